#include "tests/check/store.h"

#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/t.h"

enum { OPS = 64, PARTS = 3, UPLOADS = 3, SPAN_MS = 60, NO_PART = -1 };

struct value { /* an object, or none */
    bool present;
    struct s3p_id meta, body;
    int pieces; /* of the bytes; 0: one plain body */
    uint16_t home; /* key whose hash the bytes have */
    s3p_etag_bytes etag;
    bool hashed;
    uint64_t size;
    struct s3p_id tags; /* none: no set */
};

struct upload {
    bool open;
    struct s3p_id meta, tags, part[PARTS];
    s3p_etag_bytes etag[PARTS];
    uint64_t size[PARTS];
    bool known[PARTS];
    struct value made;
    bool done;
    /* what the client knows */
    struct s3p_id named[PARTS];
    s3p_etag_bytes named_etag[PARTS];
    uint64_t named_size[PARTS];
    bool has[PARTS];
};

struct op {
    int kind, part, upload;
    uint64_t key, source; /* 0 or 1 */
    int64_t inv, at, res;
    uint32_t client;
    bool tagged, replace, lost, dropped;
    uint8_t cond;
    unsigned pick; /* the ETag of a condition, the parts that a Complete names */
    struct s3p_id id;
    struct s3p_attempt r;
    char upload_text[24], source_text[40];
    struct s3p_entry entry[PARTS];
    int entries;
};

struct store {
    struct value key[2];
    struct upload upload[UPLOADS];
    struct op op[OPS];
    struct shown { /* ETags that there were */
        s3p_etag_bytes etag;
        bool hashed;
        int64_t at;
    } shown[2][OPS];
    unsigned nshown[2];
    int n;
    uint64_t group;
    uint32_t ids;
    struct s3p_rng g;
    unsigned programs;
};

struct s3p_id t_nth(uint32_t client, uint64_t n)
{
    return s3p_id_make(T_RUN, client, n);
}

struct s3p_id t_composite(const struct s3p_id *part, int n)
{
    struct s3p_composite c = {.n = 0};
    for (int i = 0; i < n; i++)
        s3p_composite_add(&c, part[i]);
    return s3p_composite_id(&c);
}

s3p_etag_bytes t_etag_of(const s3p_etag_bytes *part, int n)
{
    uint8_t all[16 * 16], md5[16];
    char text[64];
    s3p_etag_bytes out;
    for (int i = 0; i < n; i++)
        memcpy(all + 16 * i, part[i].b, 16);
    s3p_md5(all, (size_t)n * 16, md5);
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", md5[i]);
    int len = 32 + snprintf(text + 32, sizeof text - 32, "-%d", n);
    struct s3p_etag e = s3p_etag_parse(text, (size_t)len);
    memcpy(out.b, e.b, 16);
    return out;
}

void t_add_texts(struct t_make *m, struct s3p_attempt r, struct t_texts texts)
{
    struct {
        const char *text;
        uint32_t *at;
    } row[] = {{texts.upload, &r.upload_id}, {texts.source, &r.source_key},
               {texts.version, &r.version_id}, {texts.asked, &r.version_asked},
               {texts.code, &r.code_text}, {texts.args, &r.list_args}};
    r.op_seq = ++m->seq;
    if (r.entries_count == 0)
        s3p_append_begin(m->a, 512, 0);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].text != NULL)
            *row[i].at = s3p_append_text(m->a, row[i].text, strlen(row[i].text));
    s3p_append(m->a, &r);
}

/* ---- programs ---- */

static uint64_t below(struct store *s, uint64_t n)
{
    return s3p_rng_u64(&s->g) % n;
}

/* What was lost may come late. */
static void add_condition(struct store *s, struct op *o)
{
    static const uint8_t conds[] = {S3P_COND_IF_MATCH, S3P_COND_IF_NONE_MATCH_ANY,
                                    S3P_COND_IF_MATCH, S3P_COND_IF_MATCH_ANY,
                                    S3P_COND_IF_NONE_MATCH};
    if (below(s, 2) == 0)
        o->cond = conds[below(s, sizeof conds)];
    o->pick = (unsigned)below(s, 12);
    if (o->lost && below(s, 2) == 0 && o->kind != S3P_OP_CREATE_UPLOAD &&
        s3p_op_table[o->kind].cls != S3P_CLASS_READ)
        o->at += (int64_t)below(s, 30);
}

static struct op *add(struct store *s, int kind, uint32_t client, int64_t *t)
{
    struct op *o = &s->op[s->n++];
    *o = (struct op){.kind = kind, .client = client, .part = NO_PART, .upload = -1};
    *t += (int64_t)below(s, 6);
    int64_t took = (int64_t)below(s, 12) + 1;
    o->inv = *t;
    o->at = *t + (int64_t)below(s, (uint64_t)took + 1);
    o->res = *t + took;
    *t = o->res + 1;
    o->key = below(s, 2);
    o->id = t_nth((uint32_t)(s->group * 16 + client), ++s->ids);
    o->tagged = (s->programs & T_TAGS) != 0 && below(s, 2) == 0;
    if ((s->programs & T_UNKNOWN) != 0 && below(s, 8) == 0) {
        o->lost = true;
        o->dropped = below(s, 2) == 0;
    }
    if ((s->programs & T_CONDITIONS) != 0)
        add_condition(s, o);
    return o;
}

static void plan_upload(struct store *s, int u)
{
    int64_t t = (int64_t)below(s, SPAN_MS / 3);
    struct op *o = add(s, S3P_OP_CREATE_UPLOAD, (uint32_t)u, &t);
    uint64_t key = o->key;
    o->upload = u;
    o->lost = o->dropped = false;
    int parts = 1 + (int)below(s, PARTS), extra = (int)below(s, 2);
    for (int k = 0; k < parts + extra; k++) {
        o = add(s, S3P_OP_UPLOAD_PART, (uint32_t)u, &t);
        o->upload = u;
        o->key = key;
        o->part = k < parts ? k : 0;
    }
    int ends = 1 + (int)below(s, 2);
    for (int k = 0; k < ends; k++) {
        o = add(s, below(s, 5) == 0 ? S3P_OP_ABORT_UPLOAD : S3P_OP_COMPLETE_UPLOAD,
                (uint32_t)(u + 3 * k), &t);
        if (k > 0) { /* another client's: it may overlap the first one */
            int64_t back = (int64_t)below(s, 8);
            o->inv -= back;
            o->at = o->inv + (int64_t)below(s, (uint64_t)(o->res - o->inv) + 1);
        }
        o->upload = u;
        o->key = key;
    }
}

static void plan(struct store *s)
{
    static const int plain[] = {S3P_OP_PUT, S3P_OP_GET, S3P_OP_HEAD, S3P_OP_GET, S3P_OP_GET};
    for (int u = 0; (s->programs & T_UPLOADS) != 0 && u < UPLOADS; u++)
        if (below(s, 4) != 0)
            plan_upload(s, u);
    for (uint32_t c = 6; c < 10; c++) {
        int64_t t = (int64_t)below(s, SPAN_MS / 2);
        for (int k = 0; k < 5; k++) {
            int kind = plain[below(s, 5)];
            if ((s->programs & T_COPIES) != 0 && below(s, 4) == 0)
                kind = S3P_OP_COPY;
            if ((s->programs & T_TAGS) != 0 && below(s, 2) == 0) {
                static const int tags[] = {S3P_OP_PUT_TAGS, S3P_OP_GET_TAGS, S3P_OP_GET_TAGS,
                                           S3P_OP_DELETE_TAGS};
                kind = tags[below(s, 4)];
            }
            if ((s->programs & T_DELETES) != 0 && below(s, 4) == 0)
                kind = S3P_OP_DELETE;
            struct op *o = add(s, kind, c, &t);
            o->source = below(s, 2);
            o->replace = below(s, 4) != 0 || (s->programs & T_TAGS) != 0;
        }
    }
}

/* ---- effects ---- */

static void digest_of(const struct s3p_id *id, s3p_etag_bytes *out)
{
    uint64_t a = s3p_mix64(s3p_id_client(*id) * 1000 + s3p_id_counter(*id)), b = s3p_mix64(a);
    memcpy(out->b, &a, 8);
    memcpy(out->b + 8, &b, 8);
}

static void answer(struct op *o, uint16_t status, uint8_t outcome, uint8_t evidence)
{
    o->r.status = status;
    o->r.outcome = outcome;
    o->r.evidence = evidence;
}

static void change(struct store *s, struct op *o, struct value v)
{
    s->key[o->key] = v;
    if (v.present)
        s->shown[o->key][s->nshown[o->key]++] = (struct shown){v.etag, v.hashed, o->at};
}

static void refuse(struct op *o, uint16_t status, uint8_t evidence)
{
    o->r.etag_form = S3P_ETAG_NONE;
    answer(o, status, S3P_FAILED, evidence);
}

/* The operation's condition, with an ETag that the key had when it was called; `equal`: has now. */
static uint8_t ask(struct store *s, struct op *o, bool *equal)
{
    const struct value *v = &s->key[o->key];
    const struct shown *e = s->shown[o->key];
    bool named = o->cond == S3P_COND_IF_MATCH || o->cond == S3P_COND_IF_NONE_MATCH,
         read = o->kind == S3P_OP_GET || o->kind == S3P_OP_HEAD,
         other = o->cond == S3P_COND_IF_NONE_MATCH || o->cond == S3P_COND_IF_NONE_MATCH_ANY;
    unsigned n = 0;
    while (n < s->nshown[o->key] && e[n].at <= o->inv)
        n++;
    *equal = false;
    if ((named && n == 0) || (other && o->kind == S3P_OP_DELETE) ||
        (read && o->cond == S3P_COND_IF_NONE_MATCH_ANY))
        return S3P_COND_NONE;
    o->r.cond = o->cond;
    if (!named)
        return o->cond;
    e += o->pick < 6 ? n - 1 : o->pick % n;
    o->r.expect_etag = e->etag;
    o->r.expect_form = e->hashed ? S3P_ETAG_HASHED : S3P_ETAG_DIGEST;
    *equal = v->present && memcmp(e->etag.b, v->etag.b, sizeof v->etag.b) == 0;
    return o->cond;
}

/* Its condition does not hold, and it says so. */
static bool refused(struct store *s, struct op *o)
{
    bool there = s->key[o->key].present, equal, copy = o->kind == S3P_OP_COPY,
         read = o->kind == S3P_OP_GET || o->kind == S3P_OP_HEAD,
         missing = read || s->group % 3 != 0; /* 404, else 412 */
    uint8_t cond = ask(s, o, &equal);
    bool match = cond == S3P_COND_IF_MATCH, any = cond == S3P_COND_IF_MATCH_ANY;
    if ((match || any) && !there && missing)
        refuse(o, 404, copy ? S3P_EV_NONE : S3P_EV_ABSENT);
    else if (any && !there)
        refuse(o, 412, S3P_EV_ABSENT);
    else if (match && !equal)
        refuse(o, 412, S3P_EV_NOT_MATCH);
    else if (cond == S3P_COND_IF_NONE_MATCH_ANY && there)
        refuse(o, 412, S3P_EV_PRESENT);
    else if (cond == S3P_COND_IF_NONE_MATCH && equal)
        refuse(o, read ? 304 : 412, S3P_EV_MATCH);
    else
        return false;
    return true;
}

static void do_delete(struct store *s, struct op *o)
{
    if (refused(s, o))
        return;
    if (!o->dropped)
        change(s, o, (struct value){.present = false});
    answer(o, 204, S3P_OK_OUTCOME, S3P_EV_NONE);
}

static void do_put(struct store *s, struct op *o)
{
    struct value v = {.present = true, .meta = o->id, .body = o->id, .home = (uint16_t)o->key};
    digest_of(&o->id, &v.etag);
    v.size = 64 + o->r.client % 7;
    v.tags = o->tagged ? o->id : v.tags;
    o->r.meta_id = o->r.body_id = o->id;
    o->r.size = v.size;
    o->r.etag = v.etag;
    o->r.etag_form = S3P_ETAG_DIGEST;
    if (refused(s, o))
        return;
    if (!o->dropped)
        change(s, o, v);
    answer(o, 200, S3P_OK_OUTCOME, S3P_EV_VALUE);
}

static void do_read(struct store *s, struct op *o)
{
    const struct value *v = &s->key[o->key];
    if (refused(s, o))
        return;
    if (!v->present) {
        answer(o, 404, S3P_FAILED, S3P_EV_ABSENT);
        return;
    }
    answer(o, 200, S3P_OK_OUTCOME, S3P_EV_VALUE);
    o->r.meta_id = v->meta;
    o->r.etag = v->etag;
    o->r.etag_form = v->hashed ? S3P_ETAG_HASHED : S3P_ETAG_DIGEST;
    o->r.size = v->size;
    if (o->kind == S3P_OP_HEAD)
        return;
    o->r.body_id = v->body;
    o->r.body_verdict = v->home != o->key ? S3P_BODY_FOREIGN
                        : v->pieces > 1   ? S3P_BODY_PARTS
                                          : S3P_BODY_CLEAN;
}

static void do_copy(struct store *s, struct op *o)
{
    struct value v = s->key[o->source];
    snprintf(o->source_text, sizeof o->source_text, "main/keys/%08llu",
             (unsigned long long)(2 * s->group + o->source));
    o->r.meta_id = o->replace ? o->id : o->r.meta_id;
    if (!v.present) {
        answer(o, 404, S3P_FAILED, S3P_EV_NONE);
        return;
    }
    if (refused(s, o))
        return;
    v.meta = o->replace ? o->id : v.meta;
    v.tags = o->tagged ? o->id : v.tags;
    if (!o->dropped)
        change(s, o, v);
    o->r.etag = v.etag;
    o->r.etag_form = v.hashed ? S3P_ETAG_HASHED : S3P_ETAG_DIGEST;
    answer(o, 200, S3P_OK_OUTCOME, S3P_EV_VALUE);
}

static void do_create(struct store *s, struct op *o)
{
    struct upload *u = &s->upload[o->upload];
    *u = (struct upload){.open = true, .meta = o->id};
    u->tags = o->tagged ? o->id : u->tags;
    o->r.meta_id = o->id;
    answer(o, 200, S3P_OK_OUTCOME, S3P_EV_NONE);
}

static void do_part(struct store *s, struct op *o)
{
    struct upload *u = &s->upload[o->upload];
    s3p_etag_bytes etag;
    digest_of(&o->id, &etag);
    uint64_t size = 64 * (1 + (uint64_t)o->part);
    o->r.body_id = o->id;
    o->r.part_number = (uint32_t)o->part + 1;
    o->r.size = size;
    o->r.etag = etag;
    o->r.etag_form = S3P_ETAG_DIGEST;
    answer(o, 200, S3P_OK_OUTCOME, S3P_EV_NONE);
    if (!o->dropped) {
        u->part[o->part] = o->id;
        u->etag[o->part] = etag;
        u->size[o->part] = size;
        u->known[o->part] = true;
    }
    if (!o->lost) {
        u->named[o->part] = o->id;
        u->named_etag[o->part] = etag;
        u->named_size[o->part] = size;
        u->has[o->part] = true;
    }
}

/* The value of the parts that the client names; false when the store has others. */
static bool join(const struct upload *u, struct op *o, struct value *v)
{
    struct s3p_id id[PARTS];
    s3p_etag_bytes etag[PARTS];
    bool right = true;
    int n = 0;
    *v = (struct value){.present = true, .meta = u->meta, .home = (uint16_t)o->key, .hashed = true};
    for (int k = 0; k < PARTS; k++) {
        if (!u->has[k] || (o->pick == 11 && k != 0))
            continue;
        id[n] = u->named[k];
        etag[n] = u->named_etag[k];
        right &= u->known[k] && s3p_id_eq(u->part[k], u->named[k]);
        v->size += u->named_size[k];
        o->entry[n] = (struct s3p_entry){.key_index = (uint64_t)k + 1,
                                         .size = u->named_size[k],
                                         .etag_form = S3P_ETAG_DIGEST};
        memcpy(o->entry[n].etag, etag[n].b, 16);
        n++;
    }
    o->entries = n;
    v->pieces = n;
    v->body = t_composite(id, n);
    if (n != 0)
        v->etag = t_etag_of(etag, n);
    v->tags = u->tags;
    return right && n != 0;
}

static void do_complete(struct store *s, struct op *o)
{
    struct upload *u = &s->upload[o->upload];
    struct value v;
    bool right = join(u, o, &v);
    o->r.body_id = v.body;
    o->r.meta_id = v.meta;
    o->r.size = v.size;
    o->r.etag = v.etag;
    bool no = refused(s, o), first = (s->group & 4) != 0;
    struct s3p_attempt said = o->r;
    o->r.etag_form = S3P_ETAG_HASHED;
    if (no && first) {
        o->r = said;
    } else if (u->done && s3p_id_eq(u->made.body, v.body) && (s->group & 1) != 0) { /* again */
        answer(o, 200, S3P_OK_OUTCOME, S3P_EV_VALUE);
    } else if (!u->open) {
        answer(o, 404, S3P_FAILED, S3P_EV_NONE);
    } else if (!right) {
        answer(o, 400, S3P_FAILED, S3P_EV_NONE);
    } else if (no) {
        o->r = said;
        u->open &= (s->group & 2) != 0 || o->dropped;
    } else {
        answer(o, 200, S3P_OK_OUTCOME, S3P_EV_VALUE);
        if (o->dropped)
            return;
        change(s, o, v);
        u->made = v;
        u->open = false;
        u->done = true;
    }
}

static void do_abort(struct store *s, struct op *o)
{
    struct upload *u = &s->upload[o->upload];
    if (u->open)
        answer(o, 204, S3P_OK_OUTCOME, S3P_EV_NONE);
    else
        answer(o, 404, S3P_FAILED, S3P_EV_NONE);
    u->open &= o->dropped;
}

static void do_tags(struct store *s, struct op *o)
{
    struct value *v = &s->key[o->key];
    static const struct s3p_id none;
    o->r.body_kind = o->kind != S3P_OP_DELETE_TAGS ? S3P_KIND_TAGS : S3P_KIND_NONE;
    if (o->kind == S3P_OP_PUT_TAGS && o->tagged) {
        o->r.body_id = o->id;
        o->r.size = 3;
    }
    if (!v->present) {
        answer(o, 404, S3P_FAILED, o->kind == S3P_OP_GET_TAGS ? S3P_EV_ABSENT : S3P_EV_NONE);
        return;
    }
    answer(o, 200, S3P_OK_OUTCOME, S3P_EV_NONE);
    if (o->kind == S3P_OP_GET_TAGS) {
        o->r.body_verdict = S3P_BODY_CLEAN;
        o->r.body_id = v->tags;
        o->r.size = s3p_id_none(v->tags) ? 0 : 3;
    } else if (!o->dropped) {
        v->tags = o->kind == S3P_OP_PUT_TAGS && o->tagged ? o->id : none;
    }
}

static void carry_out(struct store *s, struct op *o)
{
    static void (*const how[S3P_OP_COUNT])(struct store *, struct op *) = {
        [S3P_OP_PUT] = do_put,
        [S3P_OP_DELETE] = do_delete,
        [S3P_OP_GET] = do_read,
        [S3P_OP_HEAD] = do_read,
        [S3P_OP_COPY] = do_copy,
        [S3P_OP_CREATE_UPLOAD] = do_create,
        [S3P_OP_UPLOAD_PART] = do_part,
        [S3P_OP_COMPLETE_UPLOAD] = do_complete,
        [S3P_OP_ABORT_UPLOAD] = do_abort,
        [S3P_OP_PUT_TAGS] = do_tags,
        [S3P_OP_GET_TAGS] = do_tags,
        [S3P_OP_DELETE_TAGS] = do_tags,
    };
    o->r = t_attempt(o->kind, (uint32_t)(s->group * 16 + o->client), 2 * s->group + o->key, o->inv,
                     o->res);
    how[o->kind](s, o);
    if (o->tagged && (o->kind == S3P_OP_PUT || o->kind == S3P_OP_CREATE_UPLOAD ||
                      o->kind == S3P_OP_COPY))
        o->r.flags |= S3P_FLAG_TAGGED;
    if (o->tagged && o->kind == S3P_OP_COPY) {
        o->r.body_kind = S3P_KIND_TAGS;
        o->r.size = 3;
        o->r.body_id = o->id;
    }
    if (o->upload >= 0)
        snprintf(o->upload_text, sizeof o->upload_text, "u%llu.%d", (unsigned long long)s->group,
                 o->upload);
    if (!o->lost || s3p_op_table[o->kind].cls == S3P_CLASS_READ)
        return;
    o->r.status = 0;
    o->r.outcome = S3P_UNKNOWN;
    o->r.evidence = S3P_EV_NONE;
    o->r.etag_form = S3P_ETAG_NONE;
    o->r.t_return = INT64_MAX;
}

static void write_down(struct t_make *m, struct op *o)
{
    if (o->entries > 0) {
        s3p_append_begin(m->a, 512, (size_t)o->entries);
        for (int k = 0; k < o->entries; k++) {
            uint32_t at = s3p_append_entry(m->a, &o->entry[k]);
            o->r.entries_first = k == 0 ? at : o->r.entries_first;
        }
        o->r.entries_count = (uint32_t)o->entries;
    }
    t_add_texts(m, o->r,
                (struct t_texts){.upload = o->upload_text[0] != 0 ? o->upload_text : NULL,
                                 .source = o->source_text[0] != 0 ? o->source_text : NULL});
}

/* Plans and carries out, in the order of the points of effect. */
static void execute(struct store *s, uint64_t seed, uint64_t group, unsigned programs)
{
    int order[OPS];
    *s = (struct store){.group = group, .programs = programs, .g = {seed, group, 0}};
    plan(s);
    for (int i = 0; i < s->n; i++) {
        int at = i;
        for (; at > 0 && s->op[order[at - 1]].at > s->op[i].at; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = 0; i < s->n; i++)
        carry_out(s, &s->op[order[i]]);
}

void t_store_run(struct t_make *m, uint64_t seed, uint64_t group, unsigned programs)
{
    struct store s;
    execute(&s, seed, group, programs);
    for (int i = 0; i < s.n; i++)
        write_down(m, &s.op[i]);
}

void t_store_last(uint64_t seed, uint64_t group, unsigned programs, struct s3p_attempt last[2])
{
    struct store s;
    execute(&s, seed, group, programs);
    for (uint64_t key = 0; key < 2; key++) {
        struct op o = {.kind = S3P_OP_GET, .key = key, .part = NO_PART, .upload = -1};
        carry_out(&s, &o);
        last[key] = o.r;
    }
}
