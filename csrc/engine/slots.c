#include "engine/slots.h"

#include <string.h>

#include "core/alloc.h"

#define ETAG_MAX 256 /* longer ones are not kept: the name then has none */
#define TOKEN_MAX 2048
#define KEYS_START 4096

static const size_t text_max[] = {
    [S3P_FIELD_ETAG] = ETAG_MAX, [S3P_FIELD_VERSION] = ETAG_MAX, [S3P_FIELD_UPLOAD] = 0,
    [S3P_FIELD_PARTS] = 0,       [S3P_FIELD_TOKEN] = TOKEN_MAX,
};
#define TEXTS (sizeof text_max / sizeof text_max[0])

static int init_slot(struct s3p_slot *s, const struct s3p_slot_info *info, size_t page_bytes)
{
    for (size_t f = 0; f < TEXTS; f++) {
        s3p_buf_init(&s->text[f], text_max[f]);
        if ((info->fields >> f & 1) != 0)
            S3P_TRY(s3p_buf_reserve(&s->text[f], text_max[f]));
    }
    s3p_buf_init(&s->keys, page_bytes);
    if ((info->fields >> S3P_FIELD_KEYS & 1) != 0)
        S3P_TRY(s3p_buf_reserve(&s->keys, KEYS_START));
    return 0;
}

int s3p_slots_create(struct s3p_slot **out, const struct s3p_program *prog, struct s3p_err *err)
{
    int rc = 0;
    *out = s3p_calloc((size_t)prog->nslots, sizeof **out);
    for (int i = 0; *out != NULL && rc == 0 && i < prog->nslots; i++)
        rc = init_slot(&(*out)[i], &prog->slots[i], s3p_page_bytes(prog->page_keys));
    if (*out != NULL && rc == 0)
        return 0;
    s3p_slots_free(*out, prog->nslots);
    *out = NULL;
    return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the names of a program");
}

void s3p_slots_free(struct s3p_slot *slots, int n)
{
    for (int i = 0; slots != NULL && i < n; i++) {
        for (size_t f = 0; f < TEXTS; f++)
            s3p_buf_free(&slots[i].text[f]);
        s3p_buf_free(&slots[i].keys);
    }
    s3p_free(slots);
}

/* Fields that no step of the program refers to have no buffer and are dropped. */
void s3p_slot_set_text(struct s3p_slot *s, enum s3p_field field, struct s3p_str text)
{
    struct s3p_buf *b = &s->text[field];
    if (b->data == NULL)
        return;
    s3p_buf_clear(b);
    if (text.len <= b->cap)
        s3p_buf_view(b, text);
}

struct s3p_str s3p_slot_text(const struct s3p_slot *s, enum s3p_field field)
{
    const struct s3p_buf *b = &s->text[field];
    return (struct s3p_str){b->data, b->len};
}

int64_t s3p_expr_value(const struct s3p_expr *e, const struct s3p_slot *slots)
{
    int64_t base = 0, sum;
    if (e->slot != S3P_NO_SLOT) {
        const struct s3p_slot *s = &slots[e->slot];
        base = e->field == S3P_FIELD_SIZE      ? s->size
               : e->field == S3P_FIELD_COUNTER ? s->counter
                                               : s->now_ms;
    }
    if (__builtin_add_overflow(base, e->add, &sum))
        return e->add < 0 ? INT64_MIN + 1 : INT64_MAX; /* INT64_MIN means "none" in records */
    return sum;
}

bool s3p_expr_equal(const struct s3p_expr *a, const struct s3p_expr *b,
                    const struct s3p_slot *slots)
{
    if (a->slot == S3P_NO_SLOT || b->slot == S3P_NO_SLOT || a->field > S3P_FIELD_KEYS)
        return s3p_expr_value(a, slots) == s3p_expr_value(b, slots);
    const struct s3p_slot *x = &slots[a->slot], *y = &slots[b->slot];
    if (a->field == S3P_FIELD_KEY)
        return x->bound && y->bound && x->key.space == y->key.space && x->key.index == y->key.index;
    struct s3p_str p = s3p_slot_text(x, a->field), q = s3p_slot_text(y, b->field);
    return p.len == q.len && (p.len == 0 || memcmp(p.p, q.p, p.len) == 0);
}

void s3p_slot_add_key(struct s3p_slot *s, struct s3p_str key)
{
    uint16_t len = (uint16_t)key.len;
    if (s->keys.data == NULL || key.len == 0 || key.len > S3P_KEY_MAX)
        return;
    s3p_buf_add(&s->keys, &len, sizeof len);
    s3p_buf_view(&s->keys, key);
    s->nkeys += s3p_buf_ok(&s->keys);
}

int s3p_slot_keys(const struct s3p_slot *s, struct s3p_str *out, int max)
{
    const char *p = s->keys.data;
    int n = 0;
    for (; n < s->nkeys && n < max; n++) {
        uint16_t len;
        memcpy(&len, p, sizeof len);
        out[n] = (struct s3p_str){p + sizeof len, len};
        p += sizeof len + len;
    }
    return n;
}

void s3p_slots_note(struct s3p_slot *slots, int n, struct s3p_keyref key, enum s3p_op op,
                    enum s3p_outcome outcome)
{
    for (int i = 0; i < n; i++) {
        struct s3p_hold *h = &slots[i].hold;
        if (!h->held || h->key.space != key.space || h->key.index != key.index)
            continue;
        h->unknown |= outcome == S3P_UNKNOWN;
        h->deleted |= outcome == S3P_OK_OUTCOME && op == S3P_OP_DELETE;
        h->written |= outcome == S3P_OK_OUTCOME && op == S3P_OP_PUT;
    }
}

void s3p_slots_release(struct s3p_slot *slots, int n, struct s3p_chooser *chooser)
{
    for (int i = 0; i < n; i++) {
        if (!slots[i].hold.held)
            continue;
        s3p_hold_release(chooser, &slots[i].hold);
        slots[i].bound = false; /* the key is no longer this client's to write */
    }
}
