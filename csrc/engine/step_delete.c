#include <string.h>

#include "core/alloc.h"
#include "engine/step.h"

#define ARENA_BYTES (8u << 20)

struct batch {
    struct s3p_delete_name names[S3P_BATCH_KEYS_MAX];
    int n;
    bool quiet; /* the answer names failures alone */
    struct s3p_delete_results results;
    const struct s3p_delete_result *surplus[S3P_BATCH_KEYS_MAX]; /* of the results */
    int nsurplus;
    struct s3p_arena arena; /* the results, and literal keys */
};

/* Where the results of a key tell no version: whether they are as many as its names, which all have
 * one, and say the same. */
static bool interchangeable(const struct batch *b, struct s3p_str key)
{
    const struct s3p_delete_result *first = NULL;
    int surplus = 0;
    for (int k = 0; k < b->results.n; k++) {
        const struct s3p_delete_result *r = &b->results.results[k];
        if (!s3p_str_same(r->key, key))
            continue;
        first = first == NULL ? r : first;
        if (r->version_id.len != 0 || !s3p_str_same(r->code, first->code))
            return false;
        surplus++;
    }
    for (int i = 0; i < b->n; i++) {
        if (s3p_str_same(b->names[i].key, key) && b->names[i].version_id.len == 0)
            return false;
        surplus -= s3p_str_same(b->names[i].key, key);
    }
    return first != NULL && surplus == 0;
}

/* A store may leave out the versions that it was asked for. Where it does not matter which result
 * is whose, they are given back. */
static void give_versions(struct batch *b)
{
    int untold = 0;
    for (int k = 0; k < b->results.n; k++)
        untold += b->results.results[k].version_id.len == 0;
    for (int i = 0; i < b->n && untold > 0; i++) {
        struct s3p_str key = b->names[i].key;
        if (b->names[i].version_id.len == 0 || !interchangeable(b, key))
            continue;
        for (int k = 0, name = i; k < b->results.n; k++) {
            struct s3p_delete_result *r = &b->results.results[k];
            if (!s3p_str_same(r->key, key))
                continue;
            while (!s3p_str_same(b->names[name].key, key))
                name++;
            r->version_id = b->names[name++].version_id;
            untold--;
        }
    }
}

/* Whether a result is of this name. A store may tell the version that it removed unasked. */
static bool is_of(const struct s3p_delete_result *r, const struct s3p_delete_name *name, bool exact)
{
    return s3p_str_same(r->key, name->key) &&
           (s3p_str_same(r->version_id, name->version_id) || (!exact && name->version_id.len == 0));
}

/* What the answer says of a key: NULL when it does not name it. Answers mostly keep the order of
 * the request. A key that is named twice has two results. */
static const struct s3p_delete_result *find_result(struct batch *b, int i)
{
    for (int exact = 1; exact >= 0; exact--)
        for (int step = 0; step < b->results.n; step++) {
            struct s3p_delete_result *r = &b->results.results[(i + step) % b->results.n];
            if (r->taken || !is_of(r, &b->names[i], exact))
                continue;
            r->taken = true;
            return r;
        }
    return NULL;
}

/* The results that the request did not call for: of keys that it does not name, a second one of a
 * key, a deleted key in a quiet answer. */
static void find_surplus(struct batch *b)
{
    bool answered[S3P_BATCH_KEYS_MAX] = {false};
    for (int k = 0; k < b->results.n; k++) {
        const struct s3p_delete_result *r = &b->results.results[k];
        int found = -1;
        for (int step = 0; step < b->n && found < 0; step++) {
            int i = (k + step) % b->n;
            found = !answered[i] && is_of(r, &b->names[i], false) ? i : -1;
        }
        if (found >= 0)
            answered[found] = true;
        if ((found < 0 || (b->quiet && r->code.len == 0)) && b->nsurplus < S3P_BATCH_KEYS_MAX)
            b->surplus[b->nsurplus++] = r;
    }
}

static void put_surplus(struct s3p_try *t, void *arg)
{
    const struct batch *b = arg;
    struct s3p_appender *a = t->c->w->appender;
    for (int k = 0; k < b->nsurplus; k++) {
        const struct s3p_delete_result *r = b->surplus[k];
        struct s3p_entry e = {.key_index = S3P_NO_INDEX,
                              .flags = r->code.len == 0 ? S3P_ENTRY_DELETED : S3P_ENTRY_ERROR};
        struct s3p_keyref key;
        if (s3p_spaces_find(&t->c->w->e->plan->spaces, t->step->bucket, r->key, &key)) {
            e.key_index = key.index;
            e.space = key.space;
        } else {
            e.key_text = s3p_append_text(a, r->key.p, r->key.len);
        }
        e.version_id = s3p_append_text(a, r->version_id.p, r->version_id.len);
        uint32_t at = s3p_append_entry(a, &e);
        t->rec.entries_first = k == 0 ? at : t->rec.entries_first;
    }
    t->rec.entries_count = (uint32_t)b->nsurplus;
}

static void read_results(struct s3p_try *t, struct batch *b)
{
    const struct s3p_buf *xml = &t->c->answer;
    struct s3p_err why;
    if (t->outcome != S3P_OK_OUTCOME)
        return;
    if (!t->kept_cut && s3p_xml_delete(&b->results, &b->arena, xml->data, xml->len, &why) == 0)
        return;
    b->results.n = 0;
    s3p_attempt_unreadable(t, S3P_STR("unreadable result"));
}

static void judge_child(const struct s3p_try *t, struct s3p_attempt *r, const char *code, bool told)
{
    struct s3p_end end = {.op = S3P_OP_DELETE_CHILD,
                          .cond = (enum s3p_cond)r->cond,
                          .phase = (int)t->x.phase,
                          .status = r->status,
                          .code = code,
                          .body_complete = told};
    enum s3p_evidence evidence;
    r->outcome = (uint8_t)s3p_outcome_of(&end, &evidence);
    r->evidence = (uint8_t)evidence;
}

/* A child shares the times of its request; its outcome is the request's, or what the answer says of
 * its key. */
static enum s3p_outcome record_child(struct s3p_try *t, struct batch *b, int i)
{
    struct s3p_appender *a = t->c->w->appender;
    const struct s3p_delete_name *name = &b->names[i];
    const struct s3p_delete_result *result = find_result(b, i);
    struct s3p_str marker = result != NULL ? result->marker_id : (struct s3p_str){NULL, 0};
    struct s3p_etag etag = s3p_etag_parse(name->etag.p, name->etag.len);
    struct s3p_attempt r = t->rec;
    struct s3p_keyref key;
    char code[64] = "";
    r.op = S3P_OP_DELETE_CHILD;
    r.parent = t->position + 1;
    r.code_text = r.request_id = r.checksum = r.list_args = r.list_next = 0;
    r.bytes_in = r.size = 0;
    r.flags &= (uint8_t)~S3P_FLAG_SURPLUS; /* of the request's answer */
    r.flags |= result != NULL && result->is_marker ? S3P_FLAG_DELETE_MARKER : 0;
    if (s3p_spaces_find(&t->c->w->e->plan->spaces, t->step->bucket, name->key, &key)) {
        r.key_index = key.index;
        r.space = key.space;
    }
    if (name->etag.len != 0) {
        r.cond = S3P_COND_IF_MATCH;
        memcpy(r.expect_etag.b, etag.b, sizeof etag.b);
        r.expect_form = etag.form;
    }
    if (t->outcome == S3P_OK_OUTCOME) {
        size_t n = result == NULL ? 0 : result->code.len;
        n = n < sizeof code - 1 ? n : sizeof code - 1; /* what is cut is an error all the same */
        memcpy(code, n == 0 ? "" : result->code.p, n);
        judge_child(t, &r, code, result != NULL || b->quiet);
    }
    if (a != NULL) {
        s3p_append_begin(a, sizeof code + name->version_id.len + marker.len, 0);
        r.code_text = s3p_append_text(a, code, strlen(code));
        r.version_asked = s3p_append_text(a, name->version_id.p, name->version_id.len);
        r.version_id = s3p_append_text(a, marker.p, marker.len);
        s3p_append(a, &r);
    }
    return (enum s3p_outcome)r.outcome;
}

/* The step is as good as the worst of its keys. */
static void record_all(struct s3p_try *t, struct batch *b)
{
    enum s3p_outcome worst = t->outcome;
    for (int k = 0; k < b->nsurplus; k++)
        t->entry_text_bytes += b->surplus[k]->key.len + b->surplus[k]->version_id.len;
    t->nentries = (size_t)b->nsurplus;
    s3p_attempt_record(t, put_surplus, b);
    t->rec.entries_first = t->rec.entries_count = 0;
    for (int i = 0; i < b->n; i++)
        worst = s3p_step_worse(worst, record_child(t, b, i));
    t->outcome = worst;
}

static bool add_literals(struct batch *b, const struct s3p_plan *plan,
                         const struct s3p_batch_step *s)
{
    char text[S3P_KEY_MAX];
    for (b->n = 0; b->n < s->nkeys; b->n++) {
        struct s3p_keyref key = s->keys[b->n];
        struct s3p_str name = s3p_space_text(&plan->spaces.space[key.space], key.index, text);
        const char *kept = s3p_arena_strndup(&b->arena, name.p, name.len);
        if (kept == NULL)
            return false;
        b->names[b->n] = (struct s3p_delete_name){.key = {kept, name.len}};
    }
    return true;
}

/* What the step names, and the document of it. */
static bool fill(struct batch *b, struct s3p_client *c, const struct s3p_batch_step *s)
{
    size_t at = 0;
    b->quiet = s->quiet;
    if (s->slot == S3P_NO_SLOT && !add_literals(b, c->w->e->plan, s))
        return false;
    while (s->slot != S3P_NO_SLOT && b->n < S3P_BATCH_KEYS_MAX &&
           s3p_slot_next_name(&c->slots[s->slot], &at, &b->names[b->n])) {
        if (!s->etags)
            b->names[b->n].etag = (struct s3p_str){NULL, 0};
        b->n++;
    }
    s3p_buf_clear(&c->request);
    s3p_delete_body(&c->request, b->names, b->n, s->quiet);
    return s3p_buf_ok(&c->request);
}

static int run(struct s3p_client *c, int pc, struct batch *b)
{
    char md5[S3P_MD5_TEXT];
    struct s3p_try t;
    if (!s3p_attempt_begin(&t, c, &c->g->program.steps[pc]))
        return S3P_END_STOPPED;
    s3p_attempt_document(&t, md5);
    t.rec.size = t.req.body_len;
    s3p_attempt_send(&t);
    read_results(&t, b);
    give_versions(b);
    find_surplus(b);
    record_all(&t, b);
    return s3p_attempt_next(&t, pc);
}

int s3p_step_delete_objects(struct s3p_client *c, int pc)
{
    const struct s3p_batch_step *s = &c->g->program.steps[pc].u.batch;
    if (s->slot == S3P_NO_SLOT ? s->nkeys == 0 : c->slots[s->slot].nnames == 0)
        return pc + 1;
    struct batch *b = s3p_calloc(1, sizeof *b);
    if (b == NULL)
        return s3p_step_no_memory(c, "delete_objects");
    s3p_arena_init(&b->arena, ARENA_BYTES);
    int next = fill(b, c, s) ? run(c, pc, b)
                             : s3p_step_no_memory(c, "the body of delete_objects");
    s3p_arena_free(&b->arena);
    s3p_free(b);
    return next;
}
