#include "engine/slots.h"

#include <string.h>

#include "core/alloc.h"

#define ETAG_MAX 256 /* longer ones are not kept: the name then has none */
#define ID_MAX 1024  /* of versions and uploads, the bound of S3 */
#define TOKEN_MAX 4096
#define NAMES_START 4096

static const size_t text_max[] = {
    [S3P_FIELD_ETAG] = ETAG_MAX,
    [S3P_FIELD_VERSION] = ID_MAX,
    [S3P_FIELD_UPLOAD] = ID_MAX,
    [S3P_FIELD_PARTS] = 0,
    [S3P_FIELD_UPLOADS] = 0,
    [S3P_FIELD_ID] = sizeof(struct s3p_id),
    [S3P_FIELD_TOKEN] = TOKEN_MAX,
};
#define TEXTS (sizeof text_max / sizeof text_max[0])
#define NAMES_FIELDS                                                                               \
    (1u << S3P_FIELD_KEYS | 1u << S3P_FIELD_VERSIONS | 1u << S3P_FIELD_UPLOADS)

static bool keeps_parts(const struct s3p_slot_info *info)
{
    return (info->fields >> S3P_FIELD_PARTS & 1) != 0 && info->nparts > 0;
}

size_t s3p_slot_bytes(const struct s3p_slot_info *info)
{
    size_t bytes = sizeof(struct s3p_slot) + ((info->fields & NAMES_FIELDS) != 0 ? NAMES_START : 0);
    for (size_t f = 0; f < TEXTS; f++)
        bytes += (info->fields >> f & 1) != 0 ? text_max[f] : 0;
    return bytes +
           (keeps_parts(info) ? (size_t)info->nparts * sizeof(struct s3p_slot_part) : 0);
}

static int init_slot(struct s3p_slot *s, const struct s3p_slot_info *info, size_t page_bytes)
{
    for (size_t f = 0; f < TEXTS; f++) {
        s3p_buf_init(&s->text[f], text_max[f]);
        if ((info->fields >> f & 1) != 0)
            S3P_TRY(s3p_buf_reserve(&s->text[f], text_max[f]));
    }
    s3p_buf_init(&s->names, page_bytes);
    if ((info->fields & NAMES_FIELDS) != 0)
        S3P_TRY(s3p_buf_reserve(&s->names, NAMES_START));
    if (!keeps_parts(info))
        return 0;
    s->parts = s3p_calloc((size_t)info->nparts, sizeof *s->parts);
    s->parts_cap = s->parts != NULL ? info->nparts : 0;
    return s->parts != NULL ? 0 : S3P_ENOMEM;
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
        s3p_buf_free(&slots[i].names);
        s3p_free(slots[i].parts);
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
        base = e->field == S3P_FIELD_SIZE           ? s->size
               : e->field == S3P_FIELD_COUNTER      ? s->counter
               : e->field == S3P_FIELD_INITIATED_MS ? s->initiated_ms
                                                    : s->now_ms;
    }
    if (__builtin_add_overflow(base, e->add, &sum))
        return e->add < 0 ? INT64_MIN + 1 : INT64_MAX; /* INT64_MIN means "none" in records */
    return sum;
}

static bool equal(const struct s3p_expr *a, const struct s3p_expr *b,
                  const struct s3p_slot *slots)
{
    if (a->slot == S3P_NO_SLOT || b->slot == S3P_NO_SLOT || a->field >= S3P_FIELD_SIZE)
        return s3p_expr_value(a, slots) == s3p_expr_value(b, slots);
    const struct s3p_slot *x = &slots[a->slot], *y = &slots[b->slot];
    if (a->field == S3P_FIELD_KEY)
        return x->bound && y->bound && x->key.space == y->key.space && x->key.index == y->key.index;
    struct s3p_str p = s3p_slot_text(x, a->field), q = s3p_slot_text(y, b->field);
    return p.len == q.len && (p.len == 0 || memcmp(p.p, q.p, p.len) == 0);
}

bool s3p_when_compares(const struct s3p_when_step *w, const struct s3p_slot *slots)
{
    if (w->compare == S3P_COMPARE_EQUAL)
        return equal(&w->a, &w->b, slots);
    int64_t a = s3p_expr_value(&w->a, slots);
    return w->compare == S3P_COMPARE_ODD ? (a & 1) != 0 : a < s3p_expr_value(&w->b, slots);
}

void s3p_slot_set_token(struct s3p_slot *s, struct s3p_str key, struct s3p_str id)
{
    struct s3p_buf *b = &s->text[S3P_FIELD_TOKEN];
    uint16_t len = (uint16_t)key.len;
    s3p_buf_clear(b);
    if (b->data == NULL || key.len + id.len == 0 || key.len > S3P_KEY_MAX ||
        sizeof len + key.len + id.len > b->cap)
        return;
    s3p_buf_add(b, &len, sizeof len);
    s3p_buf_view(b, key);
    s3p_buf_view(b, id);
}

void s3p_slot_token(const struct s3p_slot *s, struct s3p_str *key, struct s3p_str *id)
{
    const struct s3p_buf *b = &s->text[S3P_FIELD_TOKEN];
    uint16_t len;
    *key = *id = (struct s3p_str){NULL, 0};
    if (b->len < sizeof len)
        return;
    memcpy(&len, b->data, sizeof len);
    *key = (struct s3p_str){b->data + sizeof len, len};
    *id = (struct s3p_str){b->data + sizeof len + len, b->len - sizeof len - len};
}

void s3p_slot_clear_names(struct s3p_slot *s)
{
    s3p_buf_clear(&s->names);
    s->nnames = 0;
}

void s3p_slot_add_name(struct s3p_slot *s, const struct s3p_delete_name *name)
{
    uint16_t lens[] = {(uint16_t)name->key.len, (uint16_t)name->version_id.len,
                       (uint16_t)name->etag.len};
    if (s->names.data == NULL || name->key.len == 0 || name->key.len > S3P_KEY_MAX ||
        name->version_id.len > ID_MAX || name->etag.len > ETAG_MAX)
        return;
    size_t before = s->names.len;
    s3p_buf_add(&s->names, lens, sizeof lens);
    s3p_buf_view(&s->names, name->key);
    s3p_buf_view(&s->names, name->version_id);
    s3p_buf_view(&s->names, name->etag);
    if (s3p_buf_ok(&s->names)) {
        s->nnames++;
        return;
    }
    s->names.failed = false; /* no room: those before it stand */
    s->names.len = before;
}

bool s3p_slot_next_name(const struct s3p_slot *s, size_t *at, struct s3p_delete_name *name)
{
    uint16_t lens[3];
    if (s->names.len - *at < sizeof lens)
        return false;
    const char *p = s->names.data + *at;
    memcpy(lens, p, sizeof lens);
    p += sizeof lens;
    name->key = (struct s3p_str){p, lens[0]};
    name->version_id = (struct s3p_str){p + lens[0], lens[1]};
    name->etag = (struct s3p_str){p + lens[0] + lens[1], lens[2]};
    *at += sizeof lens + lens[0] + lens[1] + lens[2];
    return true;
}

static int part_place(const struct s3p_slot *s, unsigned number)
{
    int at = s->nparts;
    while (at > 0 && s->parts[at - 1].number >= number)
        at--;
    return at;
}

void s3p_slot_add_part(struct s3p_slot *s, const struct s3p_complete_part *named, struct s3p_id id,
                       uint64_t size)
{
    int at = part_place(s, named->number);
    bool known = at < s->nparts && s->parts[at].number == named->number;
    struct s3p_str etag = named->etag, sum = named->sum_text;
    if (etag.len > S3P_PART_ETAG_MAX || (!known && s->nparts == s->parts_cap))
        return;
    struct s3p_slot_part *p = &s->parts[at];
    if (!known)
        memmove(p + 1, p, (size_t)(s->nparts++ - at) * sizeof *p);
    *p = (struct s3p_slot_part){.id = id,
                                .size = size,
                                .number = (uint16_t)named->number,
                                .etag_len = (uint16_t)etag.len};
    memcpy(p->etag, etag.len == 0 ? "" : etag.p, etag.len);
    if (named->sum == S3P_SUM_NONE || sum.len > sizeof p->sum_text)
        return;
    p->sum = (uint8_t)named->sum;
    p->sum_len = (uint8_t)sum.len;
    memcpy(p->sum_text, sum.len == 0 ? "" : sum.p, sum.len);
}

const struct s3p_slot_part *s3p_slot_find_part(const struct s3p_slot *s, unsigned number)
{
    int at = part_place(s, number);
    return at < s->nparts && s->parts[at].number == number ? &s->parts[at] : NULL;
}

bool s3p_slot_borrow(struct s3p_slot *s, const struct s3p_slot *from)
{
    struct s3p_str upload = s3p_slot_text(from, S3P_FIELD_UPLOAD);
    if (!from->bound || upload.len == 0)
        return false;
    s->bound = true;
    s->key = from->key;
    s->now_ms = from->now_ms;
    s->meta_id = from->meta_id;
    s3p_slot_set_text(s, S3P_FIELD_UPLOAD, upload);
    s->nparts = from->nparts < s->parts_cap ? from->nparts : s->parts_cap;
    if (s->nparts > 0)
        memcpy(s->parts, from->parts, (size_t)s->nparts * sizeof *s->parts);
    return true;
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
        h->written |= outcome == S3P_OK_OUTCOME &&
                      (op == S3P_OP_PUT || op == S3P_OP_COPY || op == S3P_OP_COMPLETE_UPLOAD);
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
