#include <string.h>

#include "core/clock.h"
#include "engine/step.h"

#define PAGE_ARENA_BYTES (64u << 20)
#define ARGS_MAX (8u * S3P_KEY_MAX) /* three texts and a token, encoded */

/* What makes the pages of the listings differ. */
struct page_kind {
    enum s3p_page_kind kind;
    bool last_key; /* without a marker (V1 gives none without a delimiter) the next page begins
                      behind the last key */
    bool token;    /* it goes on by a token only */
};
static const struct page_kind kinds[S3P_OP_COUNT] = {
    [S3P_OP_LIST] = {S3P_PAGE_OBJECTS, false, true},
    [S3P_OP_LIST_V1] = {S3P_PAGE_OBJECTS, true, false},
    [S3P_OP_LIST_VERSIONS] = {S3P_PAGE_VERSIONS, false, false},
    [S3P_OP_LIST_UPLOADS] = {S3P_PAGE_UPLOADS, false, false},
    [S3P_OP_LIST_PARTS] = {S3P_PAGE_PARTS, false, false},
};

/* What a page is asked for, with S3's own names: the checker's view of its range. */
static struct s3p_str args_of(const struct s3p_request *req, struct s3p_buf *args)
{
    s3p_buf_init(args, ARGS_MAX);
    s3p_request_args(args, req);
    return s3p_buf_ok(args) ? (struct s3p_str){args->data, args->len} : (struct s3p_str){NULL, 0};
}

static uint32_t put_entry(struct s3p_try *t, const struct s3p_list_entry *in)
{
    struct s3p_appender *a = t->c->w->appender;
    struct s3p_entry e = {.key_index = S3P_NO_INDEX,
                          .size = in->size,
                          .last_modified_ns = in->last_modified_ns,
                          .etag_form = in->etag.form};
    struct s3p_keyref key;
    memcpy(e.etag, in->etag.b, sizeof e.etag);
    e.flags = (uint8_t)((in->is_prefix ? S3P_ENTRY_PREFIX : 0) |
                        (in->is_latest ? S3P_ENTRY_LATEST : 0) |
                        (in->is_marker ? S3P_ENTRY_MARKER : 0));
    if (in->number != 0) {
        e.key_index = in->number;
        return s3p_append_entry(a, &e);
    }
    if (!in->is_prefix &&
        s3p_spaces_find(&t->c->w->e->plan->spaces, t->step->bucket, in->key, &key)) {
        e.key_index = key.index;
        e.space = key.space;
    }
    if (e.key_index == S3P_NO_INDEX)
        e.key_text = s3p_append_text(a, in->key.p, in->key.len);
    e.version_id = s3p_append_text(a, in->id.p, in->id.len);
    return s3p_append_entry(a, &e);
}

static void put_entries(struct s3p_try *t, void *arg)
{
    const struct s3p_list_page *page = arg;
    for (size_t i = 0; i < t->nentries; i++) {
        uint32_t at = put_entry(t, &page->entries[i]);
        t->rec.entries_first = i == 0 ? at : t->rec.entries_first;
    }
    t->rec.entries_count = (uint32_t)t->nentries;
}

static void size_entries(struct s3p_try *t, const struct s3p_list_page *page)
{
    t->nentries = (size_t)page->n < S3P_SEGMENT_ENTRIES ? (size_t)page->n : S3P_SEGMENT_ENTRIES;
    for (size_t i = 0; i < t->nentries; i++)
        t->entry_text_bytes += page->entries[i].key.len + page->entries[i].id.len;
}

/* Where the next page begins; empty when this one is the last. */
static void find_next(const struct page_kind *kind, const struct s3p_list_page *page,
                      struct s3p_str *key, struct s3p_str *id)
{
    *key = *id = (struct s3p_str){NULL, 0};
    if (!page->truncated)
        return;
    if (!kind->token)
        *key = page->next_marker;
    *id = page->next_token;
    if (kind->last_key && key->len == 0 && page->n != 0)
        *key = page->entries[page->n - 1].key;
}

static void set_next(struct s3p_try *t, const struct s3p_list_page *page, struct s3p_buf *args)
{
    struct s3p_request next = {.op = t->req.op};
    find_next(&kinds[t->step->op], page, &next.start, &next.token);
    if (kinds[t->step->op].token) /* the last one should have none: recorded as it came */
        next.token = page->next_token;
    t->list_next = args_of(&next, args);
}

static void bind_page(struct s3p_try *t, const struct s3p_list_page *page)
{
    struct s3p_slot *s = &t->c->slots[t->step->slot];
    struct s3p_str key, id;
    s->bound = true;
    s->now_ms = s3p_wall_ns() / S3P_MS;
    find_next(&kinds[t->step->op], page, &key, &id);
    s3p_slot_set_token(s, key, id);
    s3p_slot_clear_names(s);
    s->initiated_ms = 0;
    for (int i = 0; i < page->n; i++) {
        const struct s3p_list_entry *e = &page->entries[i];
        struct s3p_delete_name name = {e->key, e->id, e->etag_text};
        if (e->is_prefix)
            continue;
        s3p_slot_add_name(s, &name);
        int64_t at_ms = e->last_modified_ns / S3P_MS;
        s->initiated_ms = at_ms > s->initiated_ms ? at_ms : s->initiated_ms;
    }
}

/* Reads the page of a 2xx; a page that cannot be read is no answer to what was asked. */
static void read_page(struct s3p_try *t, struct s3p_arena *arena, struct s3p_list_page *page)
{
    const struct s3p_buf *xml = &t->c->answer;
    struct s3p_err why;
    if (t->outcome != S3P_OK_OUTCOME)
        return;
    if (t->kept_cut ||
        s3p_xml_page(kinds[t->step->op].kind, page, arena, xml->data, xml->len, &why) != 0) {
        *page = (struct s3p_list_page){0};
        s3p_attempt_unreadable(t, S3P_STR("unreadable page"));
        return;
    }
    t->rec.flags |= page->truncated ? S3P_FLAG_TRUNCATED : 0;
    if (page->key_count >= 0)
        t->rec.counter = page->key_count;
    size_entries(t, page);
}

static void set_request(struct s3p_try *t)
{
    const struct s3p_list_step *l = &t->step->u.list;
    struct s3p_str marker, token;
    t->req.prefix = l->prefix;
    t->req.delimiter = l->delimiter;
    t->req.start = l->start_after;
    t->req.max_keys = (uint64_t)l->max_keys;
    if (l->upload_slot != S3P_NO_SLOT) {
        const struct s3p_slot *up = &t->c->slots[l->upload_slot];
        s3p_attempt_key(t, up->key);
        t->req.upload_id = t->upload_id = s3p_slot_text(up, S3P_FIELD_UPLOAD);
    }
    if (l->token.slot == S3P_NO_SLOT)
        return;
    s3p_slot_token(&t->c->slots[l->token.slot], &marker, &token);
    t->req.token = token;
    if (marker.len != 0)
        t->req.start = marker;
}

static bool has_upload(const struct s3p_client *c, const struct s3p_list_step *l)
{
    if (l->upload_slot == S3P_NO_SLOT)
        return true;
    const struct s3p_slot *up = &c->slots[l->upload_slot];
    return up->bound && s3p_slot_text(up, S3P_FIELD_UPLOAD).len != 0;
}

int s3p_step_list(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    struct s3p_try t;
    struct s3p_list_page page = {0};
    struct s3p_arena arena;
    struct s3p_buf args, next_args;
    if (!has_upload(c, &step->u.list))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    set_request(&t);
    t.list_args = args_of(&t.req, &args);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, PAGE_ARENA_BYTES);
    read_page(&t, &arena, &page);
    set_next(&t, &page, &next_args);
    s3p_attempt_record(&t, put_entries, &page);
    if (t.outcome == S3P_OK_OUTCOME && t.step->slot != S3P_NO_SLOT)
        bind_page(&t, &page);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&arena);
    s3p_buf_free(&args);
    s3p_buf_free(&next_args);
    return next;
}
