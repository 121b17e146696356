/* agent_words.c - names of robots, tools and operating systems in User-Agents.
 * Refuses to know how they are looked up (agent.c).  Names that end in bot, spider, crawler, scraper, fetcher,
 * preview or validator, and whoever prints a URL or an address, need no entry. */
#include "agent_words.h"

#include <stddef.h>

const struct agent_word_list agent_words[] = {
    /* link previews of messengers and networks */
    {AGENT_IS_BOT,
     "googlemessages facebookexternalhit facebookexternalua facebookcatalog facebookplatform"
     " externalagent externalfetcher whatsapp line-poker kakaotalk-scrap slack-imgproxy"
     " linkexpanding vkshare pinterestbot cardyb mastodon iframely embedly tumblr"
     " contenttabreceiver nuzzel flipboardproxy outbrain bitrix zoominfobot wechatfetcher"
     " viberurlpreview snapurlpreview teamsurlpreview"},
    /* Google and other search engines, archives */
    {AGENT_IS_BOT,
     "pagerenderer mediapartners apis-google google-safety google-adwords google-ads"
     " googleother google-extended google-inspectiontool inspectiontool google-read-aloud"
     " google-site-verification google-pinpoint google-notebooklm google-agent googleproducer"
     " googleimageproxy googleweblight google-structured-data google-amphtml google-cws"
     " googleassociation google-speakr slurp yeti sogou daum daumoa qwantify exabot ia_archiver"
     " teoma heritrix nutch yandeximages yandexmetrika yandexdirect yandexfavicons "
     "baiduboxapp_spider"
     " bytespider archiver wayback blexbot mj12bot megaindex dataforseo"},
    /* models and their fetchers */
    {AGENT_IS_BOT,
     "chatgpt chatgpt-user claude-user claude-web anthropic anthropic-ai perplexity-user cohere-ai"
     " mistralai-user gemini-deep-research meta-webindexer"},
    /* mail and web security: scanners that open every link */
    {AGENT_IS_BOT,
     "proofpoint barracuda mimecast forcepoint websense fortiguard fortinet fortimail zscaler"
     " symantec messagelabs trendmicro sophos ironport mailscanner mailmarshal trustwave vade"
     " vadesecure avanan checkpoint-scanner urlscan urlscanio safelinks safebrowsing phishtank"
     " netcraft virustotal kaspersky-scanner bitdefender-scanner paloaltonetworks expanse censys"
     " censysinspect shodan zgrab masscan nmap nuclei nikto sqlmap wpscan dirbuster gobuster ffuf"
     " acunetix qualys nessus openvas burp internet-measurement internetmeasurement leakix"
     " smartscreen msoffice ms-office microsoftpreview cloudflare-alwaysonline alwaysonline"},
    /* browsers without anybody before them */
    {AGENT_IS_BOT,
     "headless headlesschrome headlessfirefox headlessedge phantomjs slimerjs puppeteer playwright"
     " selenium webdriver cypress splash htmlunit jsdom zombie nightmare casperjs rendertron"
     " prerender lighthouse chrome-lighthouse pagespeed ptst gtmetrix webpagetest"},
    /* is it up? */
    {AGENT_IS_BOT,
     "pingdom uptimerobot uptime uptime-kuma statuscake site24x7 datadog datadogsynthetics newrelic"
     " newrelicpinger nagios check_http zabbix prometheus blackbox blackbox_exporter betteruptime"
     " hetrixtools monitis monitor monitoring linkcheck linkchecker w3c_validator w3c-checklink"
     " checklink"},
    /* what apps send that fetch behind the screen; a tap opens a browser */
    {AGENT_IS_BOT, "dalvik cfnetwork networkingextension applecoremedia stagefright exoplayer"},
    {AGENT_IS_TOOL,
     "curl libcurl pycurl wget wget2 httpie xh aria2 fetch python python-requests python-urllib"
     " python-urllib3 python-httpx python-aiohttp aiohttp requests httpx urllib urllib3 mechanize"
     " go-http-client go resty fasthttp java jakarta apache-httpclient apache-cxf okhttp okhttp3"
     " unirest restsharp refit flurl httpclient winhttp wininet axios node node-fetch nodejs got"
     " undici superagent needle ky deno bun libwww libwww-perl lwp lwp-simple lwp-trivial "
     "www-mechanize"
     " perl ruby faraday typhoeus httparty http_rb rest-client php guzzlehttp guzzle php-curl"
     " symfony reqwest hyper ureq isahc surf attohttpc dart ktor ktor-client postmanruntime postman"
     " insomnia bruno paw rapidapi hoppscotch ab apachebench wrk wrk2 hey vegeta k6 jmeter siege"
     " httperf oha bombardier lua-resty-http hackney erlang elixir http-client haskell cpp-httplib"
     " cpprestsdk cpr libsoup soup nghttp nghttp2 h2load openssl socat netcat busybox lftp"
     " apps-script uclient-fetch uclient"},
    {AGENT_IS_TOOL_ANYWHERE, "windowspowershell powershell"},
    {AGENT_IS_SYSTEM,
     "windows win32 win64 win95 win98 winnt macintosh mac macos darwin iphone ipad ipod ios ipados"
     " watchos tvos visionos android linux x11 ubuntu debian fedora cros freebsd openbsd netbsd"
     " dragonfly sunos solaris aix haiku beos amigaos os2 riscos fuchsia symbian symbianos"
     " symbos series60 series40 series80 s60 blackberry bb10 playbook rim tizen kaios webos hpwos"
     " palmos palm harmonyos harmony openharmony meego maemo bada brew sailfish ubports "
     "postmarketos"
     " playstation nintendo xbox midp cldc j2me wap"},
    /* phones that name no system, text browsers */
    {AGENT_IS_SYSTEM,
     "docomo kddi softbank vodafone willcom ddipocket emobile nokia6300 jiophone mobile lynx w3m"
     " links elinks dillo netsurf netfront obigo teleca openwave ucweb"},
    {AGENT_IS_NOTHING, "cubot"},
    {0, NULL},
};
