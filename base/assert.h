/*
 * Programmer's mistakes. TW_ASSERT stays on in every build; TW_ASSERT_HOT guards the hottest lines and is
 * compiled in only for debug and sanitizer builds.
 */
#ifndef TICKWIRE_BASE_ASSERT_H
#define TICKWIRE_BASE_ASSERT_H

void tw_assert_fail(const char *file, int line, const char *condition) __attribute__((noreturn, cold));

#define TW_ASSERT(condition)                                                                                       \
    do {                                                                                                           \
        if (__builtin_expect(!(condition), 0)) tw_assert_fail(__FILE__, __LINE__, #condition);                     \
    } while (0)

#ifdef TW_HOT_ASSERTIONS
#define TW_ASSERT_HOT(condition) TW_ASSERT(condition)
#else
#define TW_ASSERT_HOT(condition) ((void)sizeof(condition))
#endif

#endif
