/*
 * Why something was refused, or ended: one table of code, name and a sentence for the person who sent the order.
 *
 * The codes travel and stay in journals: numbers are never given twice. What is refused is refused for the first reason in the
 * order that entry.c, change.c and the table of risk.c check them.
 */
#ifndef TICKWIRE_MATCHER_CORE_REASON_H
#define TICKWIRE_MATCHER_CORE_REASON_H

#define MX_REASONS(X)                                                                                              \
    X(0, OK, "")                                                                                                   \
    /* what a command may not say */                                                                               \
    X(1, UNKNOWN_ACCOUNT, "no such account at this venue")                                                         \
    X(2, UNKNOWN_INSTRUMENT, "no such instrument at this venue")                                                   \
    X(3, BAD_FIELD, "a side, type, time in force, self-trade mode or command has no such value")                   \
    X(4, BAD_ORDER_ID, "the order id is 0 or belongs to a live order")                                             \
    X(5, BAD_QUANTITY, "the quantity is 0 or beyond the venue's largest")                                          \
    X(6, BAD_LOT, "the quantity is not a multiple of the instrument's lot")                                        \
    X(7, BAD_PRICE, "this type of order needs a price above 0, or may not have one")                               \
    X(8, BAD_TICK, "the price is not on the instrument's tick")                                                    \
    X(9, BAD_STOP_PRICE, "a stop needs a stop price on the instrument's tick; other orders have none")             \
    X(10, BAD_DISPLAY,                                                                                             \
      "the displayed quantity is beyond the quantity, below a thousandth of it, not a multiple of the lot, or "    \
      "the order can't rest")                                                                                      \
    X(11, BAD_MINIMUM, "the minimum quantity is beyond the quantity, or a stop or post-only order has one")        \
    X(12, BAD_TIME_IN_FORCE, "this type of order can't have this time in force")                                   \
    X(13, BAD_EXPIRY, "the expiry time is not in the future, or the order is not good till a time")                \
    X(14, BAD_POST_ONLY, "only a limit order that may rest can be post-only")                                      \
    X(15, UNKNOWN_SESSION, "the session is not open")                                                              \
    X(16, UNKNOWN_ORDER, "the account has no such live order in this instrument")                                  \
    X(17, BELOW_EXECUTED, "the new quantity is not above what has been executed")                                  \
    X(18, UNREADABLE, "the message or command could not be read: not protobuf, or a value beyond its field")       \
    X(19, NOT_ALLOWED_HERE,                                                                                        \
      "such a command may not travel on this subject, or acts for another account or instrument")                  \
    /* the venue's own rules */                                                                                    \
    X(30, NOT_IN_PRE_OPEN, "before the open only limit and stop orders that may rest are taken")                   \
    X(31, HALTED, "the instrument is halted: only cancels are taken")                                              \
    X(32, CLOSED, "the instrument is closed: only cancels are taken")                                              \
    X(33, NO_TRADING_DAY, "no trading day is open")                                                                \
    X(34, PRICE_COLLAR, "the price is too far from the instrument's reference price")                              \
    X(35, NO_REFERENCE_PRICE, "the instrument has no reference price to judge a price by")                         \
    X(36, NO_LIQUIDITY, "nothing to trade with on the other side")                                                 \
    X(37, POST_ONLY, "the order would have traded at once")                                                        \
    X(38, DUPLICATE_CLIENT_ID, "this client order id was used today: here is what became of it")                   \
    X(39, STORAGE_LOW, "storage of the venue's journal runs short: only cancels are taken until there is more")    \
    X(40, MOVED, "the instrument has moved to another shard: here only cancels are taken")                         \
    /* bounds of memory: nothing has changed */                                                                    \
    X(50, ORDERS_FULL, "the venue has no room for another open order")                                             \
    X(51, LEVELS_FULL, "the venue has no room for another price")                                                  \
    X(52, POSITIONS_FULL, "the venue has no room for another position")                                            \
    X(53, CLIENT_IDS_FULL, "the venue has no room to remember another client order id today")                      \
    X(54, SESSIONS_FULL, "the venue has no room for another session")                                              \
    X(55, INPUT_FULL,                                                                                              \
      "its message makes more reports, or has to look at more orders, than one message may: send it in another")   \
    /* pre-trade risk */                                                                                           \
    X(70, KILL_SWITCH, "the kill switch is on")                                                                    \
    X(71, ACCOUNT_BLOCKED, "the account is blocked")                                                               \
    X(72, INSTRUMENT_BLOCKED, "the instrument is blocked, for everybody or for this account")                      \
    X(73, NO_LIMITS, "no limits are known for the account")                                                        \
    X(74, MESSAGE_RATE, "more messages than the account's rate allows")                                            \
    X(75, ORDER_SIZE, "the quantity is above the account's largest order")                                         \
    X(76, ORDER_NOTIONAL, "the order's value is above the account's largest")                                      \
    X(77, DUPLICATE_ORDER, "the same order as the one just before it")                                             \
    X(78, OPEN_ORDERS, "the account has as many open orders as it may")                                            \
    X(79, ACCOUNT_COLLAR, "the price is worse than the account's collar around the reference price")               \
    X(80, POSITION_LIMIT, "the position could go beyond the account's limit")                                      \
    X(81, EXPOSURE_LIMIT, "the account's exposure could go beyond its limit")                                      \
    X(82, CONCENTRATION, "too much of the account's funds would be in one instrument")                             \
    X(83, FUNDS, "the account's available funds do not suffice")                                                   \
    /* why an order ended, or changed, without having been asked to by its owner's cancel */                       \
    X(100, REQUESTED, "cancelled as requested")                                                                    \
    X(101, MASS_CANCEL, "cancelled by a mass cancel")                                                              \
    X(102, IOC_REMAINDER, "what did not execute at once was cancelled")                                            \
    X(103, FOK_KILLED, "not all of it could be executed at once")                                                  \
    X(104, MINIMUM_NOT_MET, "less than the minimum quantity could be executed at once")                            \
    X(105, PROTECTION_BAND, "the market order reached its protection band")                                        \
    X(106, SELF_TRADE, "it would have traded with an order of the same account")                                   \
    X(107, SESSION_CLOSED, "its session closed")                                                                   \
    X(108, SESSION_LOST, "its session was silent for too long")                                                    \
    X(109, DAY_ENDED, "the trading day ended")                                                                     \
    X(110, TIME_REACHED, "its time has come")                                                                      \
    X(111, ICEBERG_REFRESH, "the next part of an iceberg is shown, at the end of the queue")                       \
    X(112, KILLED, "cancelled by the kill switch")                                                                 \
    /* control */                                                                                                  \
    X(130, BAD_DEFINITION, "a definition or limit contradicts itself or is out of range")                          \
    X(131, ALREADY_DEFINED, "defined already, and what was asked to change can't change while orders are open")    \
    X(132, SESSION_IS_OPEN, "the session is open already")                                                         \
    X(133, NO_SUCH_STATE, "an instrument has no such state")                                                       \
    X(134, BAD_DAY, "a trading day's date must be later than the last one's and its end in the future")

typedef enum mx_reason {
#define X(code, name, text) MXR_##name = code,
    MX_REASONS(X)
#undef X
} mx_reason;

const char *mx_reason_name(mx_reason reason); /* "PRICE_COLLAR"; "?" for an unknown number */
const char *mx_reason_text(mx_reason reason); /* the sentence; "" for OK and for an unknown number */

#endif
