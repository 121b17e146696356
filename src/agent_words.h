/* agent_words.h - the words of User-Agents that decide; data of agent.c alone.
 * Refuses to know how they are looked up.  A word is letters and digits, or several joined by - or _. */
#ifndef SMSBRIDGE_AGENT_WORDS_H
#define SMSBRIDGE_AGENT_WORDS_H

enum agent_kind {
    AGENT_IS_BOT = 1,
    AGENT_IS_TOOL = 2, /* as the first word */
    AGENT_IS_TOOL_ANYWHERE = 4,
    AGENT_IS_SYSTEM = 8,   /* an operating system, or a phone that names none */
    AGENT_IS_NOTHING = 16, /* looks like a robot's name, and is a phone's */
    AGENT_IS_PERSON = 32   /* whatever else it says */
};

/* Lists of words, a blank between two; ends with a NULL. */
struct agent_word_list {
    unsigned char kind;
    const char *list;
};
extern const struct agent_word_list agent_words[];

#endif
