#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "engine/attempt.h"
#include "engine/slots.h"
#include "s3/xml.h"

#define PAGE_ARENA_BYTES (64u << 20)
#define ARGS_MAX (8u * S3P_KEY_MAX) /* three texts and a token, encoded */

static void add_arg(struct s3p_buf *b, const char *name, struct s3p_str value)
{
    if (value.len == 0)
        return;
    if (b->len != 0)
        s3p_buf_char(b, '&');
    s3p_buf_str(b, name);
    s3p_buf_char(b, '=');
    s3p_uri_encode(b, value.p, value.len, false);
}

/* What the page was asked for, as a query string with S3's own names: the checker's view of the
 * page's range. */
static void set_args(struct s3p_try *t, struct s3p_buf *args)
{
    const struct s3p_request *r = &t->req;
    bool v1 = r->op == S3P_OP_LIST_V1;
    s3p_buf_init(args, ARGS_MAX);
    add_arg(args, "continuation-token", r->token);
    add_arg(args, "delimiter", r->delimiter);
    if (v1)
        add_arg(args, "marker", r->start);
    if (r->max_keys > 0) {
        s3p_buf_str(args, args->len != 0 ? "&max-keys=" : "max-keys=");
        s3p_buf_u64(args, (uint64_t)r->max_keys);
    }
    add_arg(args, "prefix", r->prefix);
    if (!v1)
        add_arg(args, "start-after", r->start);
    t->list_args =
        s3p_buf_ok(args) ? (struct s3p_str){args->data, args->len} : (struct s3p_str){NULL, 0};
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
    if (in->is_prefix)
        e.flags = S3P_ENTRY_PREFIX;
    else if (s3p_spaces_find(&t->c->w->e->plan->spaces, t->step->bucket, in->key, &key)) {
        e.key_index = key.index;
        e.space = key.space;
    }
    if (e.key_index == S3P_NO_INDEX)
        e.key_text = s3p_append_text(a, in->key.p, in->key.len);
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
        t->entry_text_bytes += page->entries[i].key.len;
}

/* V1 gives no marker without a delimiter: it is the last key then. */
static struct s3p_str next_token(const struct s3p_try *t, const struct s3p_list_page *page)
{
    if (!page->truncated)
        return (struct s3p_str){NULL, 0};
    if (t->req.op == S3P_OP_LIST)
        return page->next_token;
    return page->next_marker.len != 0 || page->n == 0 ? page->next_marker
                                                      : page->entries[page->n - 1].key;
}

static void bind_page(struct s3p_try *t, const struct s3p_list_page *page)
{
    struct s3p_slot *s = &t->c->slots[t->step->slot];
    s->bound = true;
    s->now_ms = s3p_wall_ns() / S3P_MS;
    s3p_slot_set_text(s, S3P_FIELD_TOKEN, next_token(t, page));
    s3p_buf_clear(&s->keys);
    s->nkeys = 0;
    for (int i = 0; i < page->n; i++)
        if (!page->entries[i].is_prefix)
            s3p_slot_add_key(s, page->entries[i].key);
}

/* Reads the page of a 2xx; a page that cannot be read is no answer to what was asked. */
static void read_page(struct s3p_try *t, struct s3p_arena *arena, struct s3p_list_page *page)
{
    const struct s3p_buf *xml = &t->c->answer;
    struct s3p_err why;
    if (t->outcome != S3P_OK_OUTCOME)
        return;
    if (t->kept_cut || s3p_xml_list(page, arena, xml->data, xml->len, &why) != 0) {
        *page = (struct s3p_list_page){0};
        t->unreadable = true;
        t->code = S3P_STR("unreadable page");
        s3p_attempt_judge(t);
        return;
    }
    t->rec.flags |= page->truncated ? S3P_FLAG_TRUNCATED : 0;
    size_entries(t, page);
}

static void set_request(struct s3p_try *t)
{
    const struct s3p_list_step *l = &t->step->u.list;
    t->req.prefix = l->prefix;
    t->req.delimiter = l->delimiter;
    t->req.start = l->start_after;
    t->req.max_keys = l->max_keys;
    if (l->token.slot == S3P_NO_SLOT)
        return;
    struct s3p_str token = s3p_slot_text(&t->c->slots[l->token.slot], S3P_FIELD_TOKEN);
    if (t->req.op == S3P_OP_LIST)
        t->req.token = token;
    else if (token.len != 0)
        t->req.start = token;
}

int s3p_step_list(struct s3p_client *c, int pc)
{
    struct s3p_try t;
    struct s3p_list_page page = {0};
    struct s3p_arena arena;
    struct s3p_buf args;
    if (!s3p_attempt_begin(&t, c, &c->g->program.steps[pc]))
        return S3P_END_STOPPED;
    set_request(&t);
    set_args(&t, &args);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, PAGE_ARENA_BYTES);
    read_page(&t, &arena, &page);
    s3p_attempt_record(&t, put_entries, &page);
    if (t.outcome == S3P_OK_OUTCOME && t.step->slot != S3P_NO_SLOT)
        bind_page(&t, &page);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&arena);
    s3p_buf_free(&args);
    return next;
}
