/* One pass over the bytes, without recursion: a stack of open containers, bounded by the depth
 * limit, and one set of hashes for the member names of the objects that are open: what is closed is
 * forgotten, so that the set of a list of ten thousand rows stays as small as that of one. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/json.h"

#define INLINE_DEPTH 16
#define INLINE_SLOTS 64 /* a power of two */

struct frame {
        bool array;
        bool inside;       /* the pointer goes on with the key or index below */
        uint64_t id;       /* of the object: keeps the names of different objects apart */
        uint64_t index;    /* arrays */
        size_t key, key_n; /* objects: the raw bytes of the current name */
        size_t names;      /* that were remembered before it was opened */
};

/* Names are remembered by a keyed 128-bit hash: equal hash, equal name. */
struct slot {
        uint64_t word[2]; /* both 0: free */
};

struct scan {
        const char *s;
        size_t n, at;
        unsigned depth_max, members_max;
        unsigned depth, members;
        uint64_t objects;
        struct frame *frames;
        struct frame inline_frames[INLINE_DEPTH];
        struct slot *slots;
        size_t n_slots, used;
        uint32_t *order; /* which slots were taken, in that order: the last ones are freed first */
        struct slot inline_slots[INLINE_SLOTS];
        uint32_t inline_order[INLINE_SLOTS / 2];
        struct text name; /* decoded, for the moment */
        struct json_fault *fault;
};

static unsigned char hash_key[crypto_shorthash_siphashx24_KEYBYTES];

static void make_hash_key(void)
{
        if (sodium_init() >= 0)
                randombytes_buf(hash_key, sizeof(hash_key));
}

static unsigned hex4(const char *s)
{
        unsigned value = 0;

        for (int i = 0; i < 4; i++) {
                unsigned char c = (unsigned char)s[i];
                unsigned digit;
                if (c >= '0' && c <= '9')
                        digit = c - '0';
                else if ((c | 32) >= 'a' && (c | 32) <= 'f')
                        digit = (c | 32) - 'a' + 10U;
                else
                        return UINT32_MAX;
                value = value << 4 | digit;
        }
        return value;
}

static void add_utf8(struct text *t, unsigned code)
{
        if (code < 0x80) {
                text_add_char(t, (char)code);
        } else if (code < 0x800) {
                text_add_char(t, (char)(0xc0 | code >> 6));
                text_add_char(t, (char)(0x80 | (code & 0x3f)));
        } else if (code < 0x10000) {
                text_add_char(t, (char)(0xe0 | code >> 12));
                text_add_char(t, (char)(0x80 | (code >> 6 & 0x3f)));
                text_add_char(t, (char)(0x80 | (code & 0x3f)));
        } else {
                text_add_char(t, (char)(0xf0 | code >> 18));
                text_add_char(t, (char)(0x80 | (code >> 12 & 0x3f)));
                text_add_char(t, (char)(0x80 | (code >> 6 & 0x3f)));
                text_add_char(t, (char)(0x80 | (code & 0x3f)));
        }
}

/* Decodes the inside of a string that was scanned before. */
static void decode(struct text *t, const char *s, size_t n)
{
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

        for (size_t i = 0; i < n;) {
                const char *stop = memchr(s + i, '\\', n - i);
                size_t plain = stop ? (size_t)(stop - s) - i : n - i;
                text_add_bytes(t, s + i, plain);
                i += plain;
                if (i == n)
                        break;

                char c = s[i + 1];
                const char *known = strchr(from, c);
                i += 2;
                if (c == 'u') {
                        unsigned code = hex4(s + i);
                        i += 4;
                        if (code >= 0xd800 && code <= 0xdbff) {
                                code = 0x10000 + ((code - 0xd800) << 10) +
                                       (hex4(s + i + 2) - 0xdc00);
                                i += 6;
                        }
                        add_utf8(t, code);
                } else {
                        text_add_char(t, known ? to[known - from] : c);
                }
        }
}

/* One reference token; left out, with all that follow, when there is no room for it. */
static bool add_token(char *pointer, size_t size, const char *s, size_t n)
{
        size_t at = strlen(pointer);
        size_t room = size - 1 - at;
        size_t need = n + 1;

        for (size_t i = 0; i < n; i++)
                need += s[i] == '~' || s[i] == '/';
        if (need > room)
                return false;
        pointer[at++] = '/';
        for (size_t i = 0; i < n; i++) {
                if (s[i] == '~' || s[i] == '/') {
                        pointer[at++] = '~';
                        pointer[at++] = s[i] == '~' ? '0' : '1';
                } else {
                        pointer[at++] = s[i];
                }
        }
        pointer[at] = '\0';
        return true;
}

static void print_pointer(struct scan *sc)
{
        char *pointer = sc->fault->pointer;
        size_t size = sizeof(sc->fault->pointer);

        pointer[0] = '\0';
        for (unsigned i = 0; i < sc->depth && sc->frames[i].inside; i++) {
                const struct frame *f = &sc->frames[i];
                text_clear(&sc->name);
                if (f->array)
                        text_add_int(&sc->name, (int64_t)f->index);
                else
                        decode(&sc->name, sc->s + f->key, f->key_n);
                if (sc->name.failed || !add_token(pointer, size, text_str(&sc->name), sc->name.len))
                        break;
        }
}

__attribute__((format(printf, 2, 3))) static int fault(struct scan *sc, const char *format, ...)
{
        va_list args;

        print_pointer(sc);
        va_start(args, format);
        vsnprintf(sc->fault->detail, sizeof(sc->fault->detail), format, args);
        va_end(args);
        return 1;
}

/* The same about the innermost container instead of what is in it. */
static int fault_here(struct scan *sc, const char *detail)
{
        if (sc->depth > 0)
                sc->frames[sc->depth - 1].inside = false;
        return fault(sc, "%s", detail);
}

static int fault_end(struct scan *sc)
{
        return fault(sc, sc->at == 0 && sc->n == 0 ? "the document is empty"
                                                   : "the document ends too early");
}

static void skip_space(struct scan *sc)
{
        while (sc->at < sc->n && (sc->s[sc->at] == ' ' || sc->s[sc->at] == '\n' ||
                                  sc->s[sc->at] == '\t' || sc->s[sc->at] == '\r'))
                sc->at++;
}

static int scan_unicode_escape(struct scan *sc)
{
        if (sc->n - sc->at < 4)
                return fault_end(sc);
        unsigned code = hex4(sc->s + sc->at);
        sc->at += 4;
        if (code == UINT32_MAX)
                return fault(sc, "four hexadecimal digits must follow \\u");
        if (code == 0)
                return fault(sc, "the character U+0000 is not allowed");
        if (code >= 0xdc00 && code <= 0xdfff)
                return fault(sc, "half of a surrogate pair is not a character");
        if (code < 0xd800 || code > 0xdbff)
                return 0;

        if (sc->n - sc->at >= 6 && sc->s[sc->at] == '\\' && sc->s[sc->at + 1] == 'u') {
                unsigned low = hex4(sc->s + sc->at + 2);
                sc->at += 6;
                if (low >= 0xdc00 && low <= 0xdfff)
                        return 0;
        }
        return fault(sc, "half of a surrogate pair is not a character");
}

static int scan_escape(struct scan *sc)
{
        if (++sc->at == sc->n)
                return fault_end(sc);
        char c = sc->s[sc->at++];
        if (c == 'u')
                return scan_unicode_escape(sc);
        if (c == '\0' || !strchr("\"\\/bfnrt", c))
                return fault(sc, "the string has an unknown escape sequence");
        return 0;
}

/* `at` is behind the opening quote, afterwards behind the closing one. */
static int scan_string(struct scan *sc)
{
        while (sc->at < sc->n) {
                unsigned char c = (unsigned char)sc->s[sc->at];
                if (c == '"') {
                        sc->at++;
                        return 0;
                }
                if (c == '\\') {
                        int r = scan_escape(sc);
                        if (r != 0)
                                return r;
                } else if (c < 0x20) {
                        return fault(sc, "a control character in a string must be escaped");
                } else if (c < 0x80) {
                        sc->at++;
                } else {
                        size_t length = text_utf8_length(sc->s + sc->at, sc->n - sc->at);
                        if (length == 0)
                                return fault(sc, "the string is not valid UTF-8");
                        sc->at += length;
                }
        }
        return fault_end(sc);
}

static size_t skip_digits(struct scan *sc)
{
        size_t from = sc->at;

        while (sc->at < sc->n && sc->s[sc->at] >= '0' && sc->s[sc->at] <= '9')
                sc->at++;
        return sc->at - from;
}

static int scan_number(struct scan *sc)
{
        static const char not_a_number[] = "this is not a number of JSON";
        bool negative = sc->s[sc->at] == '-', whole = true;

        sc->at += negative;
        size_t from = sc->at;
        size_t digits = skip_digits(sc);
        if (digits == 0 || (digits > 1 && sc->s[from] == '0'))
                return fault(sc, not_a_number);
        if (sc->at < sc->n && sc->s[sc->at] == '.') {
                whole = false;
                sc->at++;
                if (skip_digits(sc) == 0)
                        return fault(sc, not_a_number);
        }
        if (sc->at < sc->n && (sc->s[sc->at] == 'e' || sc->s[sc->at] == 'E')) {
                whole = false;
                sc->at++;
                if (sc->at < sc->n && (sc->s[sc->at] == '+' || sc->s[sc->at] == '-'))
                        sc->at++;
                if (skip_digits(sc) == 0)
                        return fault(sc, not_a_number);
        }

        /* json-c would quietly turn a larger integer into the largest one it knows. */
        const char *most = negative ? "9223372036854775808" : "9223372036854775807";
        if (whole && (digits > 19 || (digits == 19 && memcmp(sc->s + from, most, 19) > 0)))
                return fault(sc, "the number has too many digits");
        return 0;
}

static int scan_word(struct scan *sc, const char *word)
{
        size_t length = strlen(word);

        if (sc->n - sc->at < length || memcmp(sc->s + sc->at, word, length) != 0)
                return fault(sc, "a value was expected");
        sc->at += length;
        return 0;
}

/* Of an open addressing without deletions, but for the last that came. */
static size_t take_slot(struct slot *slots, size_t n, const struct slot *slot)
{
        size_t at = slot->word[0] & (n - 1);
        while (slots[at].word[0] || slots[at].word[1])
                at = (at + 1) & (n - 1);
        slots[at] = *slot;
        return at;
}

static void free_slots(struct scan *sc)
{
        if (sc->slots != sc->inline_slots)
                free(sc->slots);
        if (sc->order != sc->inline_order)
                free(sc->order);
}

static int grow_slots(struct scan *sc)
{
        size_t n = sc->n_slots * 2;
        struct slot *slots = calloc(n, sizeof(*slots));
        uint32_t *order = calloc(n / 2, sizeof(*order));
        if (!slots || !order) {
                free(slots);
                free(order);
                return -ENOMEM;
        }
        for (size_t i = 0; i < sc->used; i++)
                order[i] = (uint32_t)take_slot(slots, n, &sc->slots[sc->order[i]]);
        free_slots(sc);
        sc->slots = slots;
        sc->order = order;
        sc->n_slots = n;
        return 0;
}

/* Its object is closed. */
static void forget_names(struct scan *sc, const struct frame *f)
{
        while (sc->used > f->names)
                sc->slots[sc->order[--sc->used]] = (struct slot){};
}

/* 0: the name is new to the object; 1: it was there. */
static int remember_name(struct scan *sc, const struct frame *f)
{
        const char *name = sc->s + f->key;
        size_t n = f->key_n;
        struct slot slot;

        if (memchr(name, '\\', n)) {
                text_clear(&sc->name);
                decode(&sc->name, name, n);
                if (sc->name.failed)
                        return -ENOMEM;
                name = text_str(&sc->name);
                n = sc->name.len;
        }
        crypto_shorthash_siphashx24((unsigned char *)slot.word, (const unsigned char *)name, n,
                                    hash_key);
        slot.word[0] ^= f->id * 0x9e3779b97f4a7c15; /* scatters one name over the objects */
        slot.word[1] ^= f->id;

        if (sc->used * 2 >= sc->n_slots) {
                int r = grow_slots(sc);
                if (r < 0)
                        return r;
        }
        size_t at = slot.word[0] & (sc->n_slots - 1);
        for (; sc->slots[at].word[0] || sc->slots[at].word[1]; at = (at + 1) & (sc->n_slots - 1))
                if (memcmp(&sc->slots[at], &slot, sizeof(slot)) == 0)
                        return 1;
        sc->slots[at] = slot;
        sc->order[sc->used++] = (uint32_t)at;
        return 0;
}

static int count_member(struct scan *sc)
{
        if (++sc->members > sc->members_max)
                return fault(sc, "the document has more than %u members and elements",
                             sc->members_max);
        return 0;
}

/* From the opening quote of a name to behind its colon. */
static int scan_name(struct scan *sc)
{
        struct frame *f = &sc->frames[sc->depth - 1];

        f->inside = false;
        skip_space(sc);
        if (sc->at == sc->n)
                return fault_end(sc);
        if (sc->s[sc->at] != '"')
                return fault(sc, "a member name in double quotes was expected");
        f->key = ++sc->at;
        int r = scan_string(sc);
        if (r != 0)
                return r;
        f->key_n = sc->at - 1 - f->key;
        f->inside = true;

        r = count_member(sc);
        if (r != 0)
                return r;
        r = remember_name(sc, f);
        if (r < 0)
                return r;
        if (r > 0)
                return fault(sc, "the member appears twice");
        skip_space(sc);
        if (sc->at == sc->n)
                return fault_end(sc);
        if (sc->s[sc->at] != ':')
                return fault(sc, "a colon was expected after the member's name");
        sc->at++;
        return 0;
}

static int next_child(struct scan *sc)
{
        struct frame *f = &sc->frames[sc->depth - 1];

        if (!f->array)
                return scan_name(sc);
        if (f->inside)
                f->index++;
        f->inside = true;
        return count_member(sc);
}

static int open_container(struct scan *sc, bool array)
{
        if (sc->depth == sc->depth_max)
                return fault(sc, "the document has more than %u levels", sc->depth_max);
        sc->at++;
        sc->frames[sc->depth++] =
                (struct frame){.array = array, .id = ++sc->objects, .names = sc->used};

        skip_space(sc);
        if (sc->at < sc->n && sc->s[sc->at] == (array ? ']' : '}')) {
                sc->at++;
                sc->depth--;
                return 0;
        }
        return next_child(sc);
}

static int scan_scalar(struct scan *sc)
{
        switch (sc->s[sc->at]) {
        case '"':
                sc->at++;
                return scan_string(sc);
        case '-':
        case '0' ... '9':
                return scan_number(sc);
        case 't':
                return scan_word(sc, "true");
        case 'f':
                return scan_word(sc, "false");
        case 'n':
                return scan_word(sc, "null");
        default:
                return fault(sc, "a value was expected");
        }
}

/* Behind a value: closes what closes, and stops in front of the next value (1 in `ret_more`). */
static int scan_behind(struct scan *sc, bool *ret_more)
{
        while (sc->depth > 0) {
                struct frame *f = &sc->frames[sc->depth - 1];

                skip_space(sc);
                if (sc->at == sc->n) {
                        f->inside = false;
                        return fault_end(sc);
                }
                char c = sc->s[sc->at];
                if (c == ',') {
                        sc->at++;
                        *ret_more = true;
                        return next_child(sc);
                }
                if (c != (f->array ? ']' : '}'))
                        return fault_here(sc, f->array ? "a comma or a closing bracket was expected"
                                                       : "a comma or a closing brace was expected");
                sc->at++;
                sc->depth--;
                forget_names(sc, f);
        }
        *ret_more = false;
        return 0;
}

static int scan_document(struct scan *sc)
{
        bool more = true;
        int r;

        while (more) {
                skip_space(sc);
                if (sc->at == sc->n)
                        return fault_end(sc);
                char c = sc->s[sc->at];
                unsigned depth = sc->depth;
                r = c == '{' || c == '[' ? open_container(sc, c == '[') : scan_scalar(sc);
                if (r != 0)
                        return r;
                if (sc->depth > depth) /* opened, and in front of its first value */
                        continue;
                r = scan_behind(sc, &more);
                if (r != 0)
                        return r;
        }
        skip_space(sc);
        if (sc->at < sc->n)
                return fault(sc, "there is something behind the end of the document");
        return 0;
}

int json_scan(const char *s, size_t n, const struct json_limits *limits, struct json_fault *ret)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        struct scan sc = {
                .s = s,
                .n = n,
                .depth_max = limits && limits->depth ? limits->depth : JSON_DEPTH_MAX,
                .members_max = limits && limits->members ? limits->members : JSON_MEMBERS_MAX,
                .n_slots = INLINE_SLOTS,
                .fault = ret,
        };

        pthread_once(&once, make_hash_key);
        sc.slots = sc.inline_slots;
        sc.order = sc.inline_order;
        sc.frames = sc.inline_frames;
        if (sc.depth_max > INLINE_DEPTH) {
                sc.frames = calloc(sc.depth_max, sizeof(*sc.frames));
                if (!sc.frames)
                        return -ENOMEM;
        }
        int r = scan_document(&sc);
        if (sc.frames != sc.inline_frames)
                free(sc.frames);
        free_slots(&sc);
        text_done(&sc.name);
        return r;
}
