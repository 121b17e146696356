/* api_auth.c - who is asking, and how often they may.
 * Refuses to know what is asked.
 * Promises: a token is compared in constant time and never kept; memory is bounded however many addresses
 * guess.  The listeners' thread only. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "clock.h"
#include "log.h"
#include "text.h"

#define WRONG_BURST    20                           /* wrong logins of an address at once, */
#define WRONG_PAUSE_US (INT64_C(60) * 1000000 / 10) /* then ten a minute */
#define KNOWN_FOR_US   (INT64_C(3600) * 1000000)
#define LOGIN_MAX      512 /* "name:token", decoded */
#define SETS           128
#define WAYS           8

/* A token comes back every pause, up to a burst of them. */
struct bucket {
    int64_t full_at_us; /* when it holds the whole burst again */
};

/* 0: taken; else how long to wait for one. */
static int64_t bucket_wait(const struct bucket *b, int64_t burst, int64_t pause_us, int64_t now_us)
{
    int64_t full_at = b->full_at_us > now_us ? b->full_at_us : now_us;
    int64_t wait = full_at - now_us - (burst - 1) * pause_us;
    return wait > 0 ? wait : 0;
}

static void bucket_take(struct bucket *b, int64_t pause_us, int64_t now_us)
{
    b->full_at_us = (b->full_at_us > now_us ? b->full_at_us : now_us) + pause_us;
}

/* An IPv4 address, an IPv6 /64, or all zero for local sockets. */
struct origin {
    uint8_t bytes[16];
};

struct guesser {
    struct origin origin;
    struct bucket bucket;
};

struct seen { /* an account: its rate, and where it logged in well last */
    struct bucket rate;
    struct origin origin;
    int64_t until_us;
};

struct api_auth {
    bool guessed; /* nobody did yet: the table is empty */
    struct guesser table[SETS][WAYS];
    struct seen seen[]; /* one an account */
};

struct api_auth *api_auth_new(const struct api_options *o)
{
    return calloc(1, sizeof(struct api_auth) + o->accounts->count * sizeof(struct seen));
}

void api_auth_free(struct api_auth *auth)
{
    free(auth);
}

static struct origin origin_of(const struct sockaddr *peer)
{
    struct origin o = {{0}};
    if (peer && peer->sa_family == AF_INET) {
        memcpy(o.bytes + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
        o.bytes[10] = o.bytes[11] = 0xFF;
    } else if (peer && peer->sa_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)peer)->sin6_addr;
        memcpy(o.bytes, a, IN6_IS_ADDR_V4MAPPED(a) ? 16 : 8);
    }
    return o;
}

static struct guesser *set_of(struct api_auth *auth, const struct origin *o)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < sizeof o->bytes; i++)
        h = (h ^ o->bytes[i]) * 16777619u;
    return auth->table[(h ^ h >> 16) % SETS];
}

/* Its row, or with `make` the one that gives way: whoever guessed least. */
static struct guesser *find_guesser(struct api_auth *auth, const struct origin *o, bool make)
{
    struct guesser *set = set_of(auth, o), *least = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].bucket.full_at_us && memcmp(&set[i].origin, o, sizeof *o) == 0)
            return &set[i];
        if (set[i].bucket.full_at_us < least->bucket.full_at_us)
            least = &set[i];
    }
    if (!make)
        return NULL;
    *least = (struct guesser){.origin = *o};
    return least;
}

/* How long that origin has to wait before its next guess. */
static int64_t guess_wait_us(struct api_auth *auth, const struct origin *o, int64_t now_us)
{
    const struct guesser *g = auth->guessed ? find_guesser(auth, o, false) : NULL;
    return g ? bucket_wait(&g->bucket, WRONG_BURST, WRONG_PAUSE_US, now_us) : 0;
}

/* ---- credentials ---- */

/* "Basic bWFpbjp0b2tlbg==" into name and token, both inside login.  ERR_EMPTY: none were given. */
static enum err parse_basic(const char *header, char login[LOGIN_MAX], char **token)
{
    size_t n;
    if (!header || !text_starts_nocase(header, "Basic "))
        return ERR_EMPTY;
    header += 6 + strspn(header + 6, " ");
    enum err e =
        hash_base64_decode(header, strcspn(header, " "), (uint8_t *)login, LOGIN_MAX - 1, &n);
    if (e)
        return ERR_DENIED;
    login[n] = '\0';
    *token = memchr(login, ':', n);
    if (!*token || strlen(login) != n)
        return ERR_DENIED;
    *(*token)++ = '\0';
    return OK;
}

/* The same work for a name that nobody has. */
static const struct account *find_account(const struct api_options *o, const char *name,
                                          const char *token)
{
    static const struct account nobody;
    const struct account *known = accounts_find(o->accounts, name),
                         *found = known ? known : &nobody;
    uint8_t digest[HASH_SHA256];
    hash_sha256(token, strlen(token), digest);
    bool equal = hash_equal(digest, found->token_sha256, sizeof digest);
    return equal && found != &nobody ? found : NULL;
}

/* Of the header. */
static const struct account *credentials(struct api_call *call, bool *given)
{
    char login[LOGIN_MAX], *token = NULL;
    enum err e = parse_basic(http_header(call->rq, "Authorization"), login, &token);
    *given = e != ERR_EMPTY;
    const struct account *found = e ? NULL : find_account(&call->api->o, login, token);
    explicit_bzero(login, sizeof login);
    return found;
}

static void unauthorised(struct api_call *call, bool given)
{
    api_detail_with(call->rq, 401,
                    given ? "Invalid username/password."
                          : "Authentication credentials were not provided.",
                    "WWW-Authenticate", "Basic realm=\"api\"");
}

/* At most as often as it is let through: a guesser does not fill the log. */
static void log_wrong_login(const struct sockaddr *peer)
{
    char host[INET6_ADDRSTRLEN] = "local";
    if (peer && peer->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, host, sizeof host);
    if (peer && peer->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, host, sizeof host);
    log_warn("api", "login=wrong from=%s", host);
}

static bool wrong_login(struct api_call *call, const struct origin *o, int64_t now_us,
                        void (*refuse)(struct api_call *call, bool given))
{
    struct api_auth *auth = call->api->auth;
    int64_t wait = guess_wait_us(auth, o, now_us);
    if (wait > 0) {
        api_throttled(call->rq, wait / 1000);
        return false;
    }
    log_wrong_login(http_peer(call->rq));
    auth->guessed = true;
    bucket_take(&find_guesser(auth, o, true)->bucket, WRONG_PAUSE_US, now_us);
    refuse(call, true);
    return false;
}

/* While an address guesses, even a right token from there is refused, or the limit would limit nothing;
 * but not to an account that was seen there before: behind a proxy all have one address. */
static bool right_login(struct api_call *call, const struct account *account,
                        const struct origin *o, int64_t now_us)
{
    struct seen *seen = &call->api->auth->seen[account - call->api->o.accounts->account];
    bool known = now_us < seen->until_us && memcmp(&seen->origin, o, sizeof *o) == 0;
    int64_t wait = known ? 0 : guess_wait_us(call->api->auth, o, now_us);
    if (wait > 0) {
        api_throttled(call->rq, wait / 1000);
        return false;
    }
    seen->origin = *o;
    seen->until_us = now_us + KNOWN_FOR_US;
    int rate = call->api->o.rate;
    wait = rate ? bucket_wait(&seen->rate, rate, 1000000 / rate, now_us) : 0;
    if (wait > 0) {
        api_throttled(call->rq, wait / 1000);
        return false;
    }
    if (rate)
        bucket_take(&seen->rate, 1000000 / rate, now_us);
    call->account = account;
    return true;
}

static bool login(struct api_call *call, const struct account *account, bool given,
                  void (*refuse)(struct api_call *call, bool given))
{
    int64_t now_us = clk_mono_ms() * 1000;
    struct origin origin = origin_of(http_peer(call->rq));
    if (account)
        return right_login(call, account, &origin, now_us);
    if (given)
        return wrong_login(call, &origin, now_us, refuse);
    refuse(call, false);
    return false;
}

bool api_auth_login(struct api_call *call)
{
    bool given;
    const struct account *account = credentials(call, &given);
    return login(call, account, given, unauthorised);
}

bool api_auth_login_as(struct api_call *call, const char *name, const char *token,
                       void (*refuse)(struct api_call *call, bool given))
{
    return login(call, find_account(&call->api->o, name, token), *name || *token, refuse);
}
