#include "check/page.h"

#include <stdlib.h>
#include <string.h>

#include "check/mutate.h"
#include "core/alloc.h"
#include "core/text.h"
#include "s3/op.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
enum { TEXTS_MAX = 512 << 10 }; /* args and what is next, decoded */

int s3p_lister_create(struct s3p_lister **out, const struct s3p_lists *l, struct s3p_err *err)
{
    struct s3p_lister *w = *out = s3p_calloc(1, sizeof *w);
    if (w == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "workspace for pages");
    w->lists = l;
    s3p_names_init(&w->names, l->head, l->ordered);
    s3p_buf_init(&w->start_text, TEXTS_MAX);
    s3p_buf_init(&w->rolled_text, TEXTS_MAX);
    s3p_buf_init(&w->texts, TEXTS_MAX);
    if (s3p_buf_reserve(&w->texts, TEXTS_MAX) == 0) /* once: views into it must stay */
        return 0;
    s3p_lister_free(w);
    *out = NULL;
    return s3p_fail(err, S3P_ENOMEM, 0, "workspace for pages");
}

void s3p_lister_free(struct s3p_lister *w)
{
    if (w == NULL)
        return;
    s3p_names_free(&w->names);
    s3p_buf_free(&w->texts);
    s3p_buf_free(&w->start_text);
    s3p_buf_free(&w->rolled_text);
    s3p_free(w->item);
    s3p_free(w->token);
    s3p_free(w);
}

/* ---- names ---- */

struct s3p_str s3p_item_text(struct s3p_lister *w, int which, const struct s3p_item *it)
{
    if (it->known)
        return s3p_name_text(&w->names, which, it->place, it->index);
    struct s3p_str t = s3p_segment_text(w->s, it->entry->key_text);
    return t.p != NULL ? t : S3P_STR("");
}

int s3p_item_compare(struct s3p_lister *w, const struct s3p_item *a, const struct s3p_item *b)
{
    if (a->known && b->known && a->place == b->place &&
        (a->index == b->index || a->place == S3P_PART_PLACE || w->names.ordered[a->place]))
        return (a->index > b->index) - (a->index < b->index);
    return s3p_str_compare(s3p_item_text(w, 0, a), s3p_item_text(w, 1, b));
}

bool s3p_str_begins(struct s3p_str text, struct s3p_str prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.p, prefix.p, prefix.len) == 0);
}

struct s3p_str s3p_page_roll(const struct s3p_lister *w, struct s3p_str key)
{
    struct s3p_str prefix = w->args.prefix, delimiter = w->args.delimiter;
    if (delimiter.len == 0 || key.len < prefix.len)
        return S3P_STR("");
    const char *at = memmem(key.p + prefix.len, key.len - prefix.len, delimiter.p, delimiter.len);
    return at != NULL ? (struct s3p_str){key.p, (size_t)(at - key.p) + delimiter.len} : S3P_STR("");
}

int s3p_page_hit(struct s3p_lister *w, enum s3p_rule rule, const struct s3p_item *it,
                 const struct s3p_member *m, const uint32_t *records, uint32_t n,
                 struct s3p_err *err)
{
    struct s3p_hit h = {.key_index = S3P_NO_INDEX,
                        .place = COL(w->s, uint16_t, bucket)[w->i],
                        .rule = (uint8_t)rule,
                        .n = 1,
                        .record = {(uint32_t)(w->s->first_record + w->i)}};
    if (w->hits[rule]++ >= S3P_PAGE_HITS) {
        w->hits[rule] = S3P_PAGE_HITS;
        return 0;
    }
    bool part = w->page->kind == S3P_LIST_PARTS;
    if (part || (it != NULL && it->known) || m != NULL) {
        h.place = part ? (uint16_t)(COL(w->s, uint16_t, space)[w->i] * w->lists->head->buckets +
                                    h.place)
                  : m != NULL ? m->place
                              : it->place;
        h.key_index = part        ? COL(w->s, uint64_t, key_index)[w->i]
                      : m != NULL ? m->index
                                  : it->index;
    }
    for (uint32_t i = 0; i < n; i++)
        if (records[i] != S3P_NO_RECORD && h.n < S3P_HIT_RECORDS)
            h.record[h.n++] = records[i];
    return s3p_tally_hit(w->tally, &h, err);
}

/* ---- the page at hand ---- */

static int reserve(struct s3p_lister *w, uint32_t n, struct s3p_err *err)
{
    if (n <= w->cap && w->item != NULL)
        return 0;
    s3p_free(w->item);
    s3p_free(w->token);
    w->cap = n < 1024 ? 1024 : n;
    w->item = s3p_alloc(w->cap * sizeof *w->item);
    w->token = s3p_alloc(w->cap * sizeof *w->token);
    if (w->item != NULL && w->token != NULL)
        return 0;
    w->cap = 0;
    return s3p_fail(err, S3P_ENOMEM, 0, "a page of %u entries", n);
}

static void read_item(const struct s3p_lists *l, uint8_t kind, uint16_t bucket,
                      const struct s3p_entry *e, struct s3p_item *it)
{
    uint32_t place = (uint32_t)e->space * l->map->buckets + bucket;
    *it = (struct s3p_item){.index = e->key_index,
                            .entry = e,
                            .place = (uint16_t)place,
                            .known = e->key_index != S3P_NO_INDEX,
                            .prefix = (e->flags & S3P_ENTRY_PREFIX) != 0};
    if (kind == S3P_LIST_PARTS) {
        it->place = S3P_PART_PLACE;
        it->known = true;
    } else if (it->prefix) {
        it->known = false;
    } else if (it->known && l->map->aliased[place]) {
        s3p_keymap_canon(l->map, &it->place, &it->index);
    }
}

static int read_items(struct s3p_lister *w, struct s3p_err *err)
{
    const struct s3p_entry *e = w->s->entries + COL(w->s, uint32_t, entries_first)[w->i];
    uint32_t count = COL(w->s, uint32_t, entries_count)[w->i];
    uint16_t bucket = COL(w->s, uint16_t, bucket)[w->i];
    S3P_TRY(reserve(w, count, err));
    w->n = 0;
    for (uint32_t k = 0; k < count; k++) {
        if (e[k].flags & (S3P_ENTRY_DELETED | S3P_ENTRY_ERROR))
            continue;
        read_item(w->lists, w->page->kind, bucket, &e[k], &w->item[w->n++]);
    }
    return 0;
}

/* The last name of a page, the last key or the last common prefix, into w->behind. False: it has
 * none. */
static int last_name(struct s3p_lister *w, const struct s3p_page *page, bool *found, bool *rolled,
                     struct s3p_err *err)
{
    const struct s3p_segment_view *s = s3p_histfile_segment(w->lists->file, page->segment), *own;
    const struct s3p_entry *e = s->entries + COL(s, uint32_t, entries_first)[page->position];
    struct s3p_item last[2];
    bool has[2] = {false, false};
    for (uint32_t k = COL(s, uint32_t, entries_count)[page->position]; k-- > 0;) {
        bool prefix = (e[k].flags & S3P_ENTRY_PREFIX) != 0;
        if (has[prefix])
            continue;
        has[prefix] = true;
        read_item(w->lists, page->kind, COL(s, uint16_t, bucket)[page->position], &e[k],
                  &last[prefix]);
        if (w->args.delimiter.len == 0)
            break;
    }
    *found = has[0] || has[1];
    if (!*found)
        return 0;
    own = w->s;
    w->s = s; /* where the texts are */
    *rolled = has[1] && (!has[0] || S3P_OFF(PAGE_LAST_KEY, s3p_item_compare(w, &last[0],
                                                                            &last[1]) < 0));
    s3p_buf_clear(&w->start_text);
    if (page->kind == S3P_LIST_PARTS)
        s3p_buf_u64(&w->start_text, last[0].index);
    else
        s3p_buf_view(&w->start_text, s3p_item_text(w, 0, &last[*rolled]));
    w->behind = (struct s3p_str){w->start_text.data, w->start_text.len};
    w->s = own;
    return s3p_buf_ok(&w->start_text) ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "name of an entry");
}

uint64_t s3p_part_marker(struct s3p_str text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    return n;
}

int s3p_marker_compare(const struct s3p_lister *w, struct s3p_str a, struct s3p_str b)
{
    uint64_t x = s3p_part_marker(a), y = s3p_part_marker(b);
    return w->page->kind == S3P_LIST_PARTS ? (x > y) - (x < y) : s3p_str_compare(a, b);
}

/* What a page was asked for; the texts last until the next call. */
static int args_of(struct s3p_lister *w, const struct s3p_page *page, struct s3p_page_args *asked,
                   struct s3p_err *err)
{
    const struct s3p_segment_view *s = s3p_histfile_segment(w->lists->file, page->segment);
    w->texts.len = w->own_texts;
    return s3p_page_args(asked, &w->texts,
                         s3p_segment_text(s, COL(s, uint32_t, list_args)[page->position]),
                         s->first_record + page->position, err);
}

/* Did the page before, whose last name is `behind`, look no further? One that is full ends there.
 * Where the page at hand was asked for by a name it is that which tells; one inside a common prefix
 * goes no further than it. */
static int stopped_there(struct s3p_lister *w, const struct s3p_page *page, bool rolled, bool *yes,
                         struct s3p_err *err)
{
    const struct s3p_segment_view *s = s3p_histfile_segment(w->lists->file, page->segment);
    uint64_t n = COL(s, uint32_t, entries_count)[page->position];
    struct s3p_page_args asked;
    S3P_TRY(args_of(w, page, &asked, err));
    if (w->args.token.len == 0)
        *yes = S3P_LE(PAGE_STOPPED_LT, s3p_marker_compare(w, w->start, w->behind), 0) ||
               S3P_OFF(PAGE_STOPPED_ROLLED, rolled && s3p_str_begins(w->start, w->behind));
    else
        *yes = S3P_LE(PAGE_FULL_LT, asked.max < S3P_PAGE_MAX ? asked.max : S3P_PAGE_MAX, n);
    return 0;
}

/* Goes back to the last page before this one that has an entry, or to the first one. */
static int find_behind(struct s3p_lister *w, bool *found, struct s3p_err *err)
{
    const struct s3p_page *page = w->page;
    bool rolled = false, stopped = false;
    for (*found = false; !*found && page->before != S3P_NO_PAGE;) {
        uint32_t before = page->before;
        page = &w->lists->page[before];
        S3P_TRY(last_name(w, page, found, &rolled, err));
        if (*found)
            S3P_TRY(stopped_there(w, page, rolled, &stopped, err));
        if (S3P_ON(PAGE_LOOKED_ALWAYS, !stopped))
            w->since = before;
    }
    if (*found)
        return 0;
    struct s3p_page_args first; /* only empty pages: it begins where the walk does */
    S3P_TRY(args_of(w, page, &first, err));
    *found = S3P_ON(PAGE_ANCHOR_ALWAYS, first.token.len == 0);
    w->behind = first.start;
    return 0;
}

/* Where the page begins: its own marker, or behind the page that its token came from. */
static int find_start(struct s3p_lister *w, struct s3p_err *err)
{
    bool found;
    w->start = w->behind = w->args.start;
    w->since = w->at;
    w->linked = w->page->before != S3P_NO_PAGE;
    w->anchored = w->args.token.len == 0;
    w->inside = w->args.id.len != 0 && w->start.len != 0;
    if (!w->linked || w->lists->head->key_order_other)
        return 0;
    S3P_TRY(find_behind(w, &found, err));
    if (w->anchored && (!found || s3p_marker_compare(w, w->behind, w->start) > 0)) {
        w->behind = w->start;
        w->since = w->at;
    } else if (!w->anchored) {
        w->start = w->behind;
        w->anchored = found;
    }
    return 0;
}

static int64_t call_of(const struct s3p_lister *w, uint32_t number)
{
    const struct s3p_page *page = &w->lists->page[number];
    return COL(s3p_histfile_segment(w->lists->file, page->segment), int64_t,
               t_call)[page->position];
}

static void find_interval(struct s3p_lister *w)
{
    uint32_t first = w->at;
    while (S3P_OFF(PAGE_INTERVAL_OFF, w->lists->head->list_interval_listing) &&
           w->lists->page[first].before != S3P_NO_PAGE)
        first = w->lists->page[first].before;
    w->from = call_of(w, first);
    w->to = COL(w->s, int64_t, t_return)[w->i];
    w->looked = call_of(w, w->since);
    w->looked = w->looked < w->from ? w->looked : w->from;
}

static int compare_items(const void *a, const void *b, void *lister)
{
    return s3p_item_compare(lister, a, b);
}

static int open_page(struct s3p_lister *w, uint32_t number, struct s3p_err *err)
{
    const struct s3p_page *page = &w->lists->page[number];
    memset(w->hits, 0, sizeof w->hits);
    w->at = number;
    w->page = page;
    w->s = s3p_histfile_segment(w->lists->file, page->segment);
    w->i = page->position;
    uint64_t record = w->s->first_record + w->i;
    s3p_buf_clear(&w->texts);
    struct s3p_str asked = s3p_segment_text(w->s, COL(w->s, uint32_t, list_args)[w->i]);
    struct s3p_str told = s3p_segment_text(w->s, COL(w->s, uint32_t, list_next)[w->i]);
    S3P_TRY(s3p_page_args(&w->args, &w->texts, asked, record, err));
    S3P_TRY(s3p_page_args(&w->next, &w->texts, told, record, err));
    w->own_texts = w->texts.len;
    w->truncated = (COL(w->s, uint8_t, flags)[w->i] & S3P_FLAG_TRUNCATED) != 0;
    S3P_TRY(read_items(w, err));
    S3P_TRY(find_start(w, err));
    find_interval(w);
    return 0;
}

static void drop_wrong(struct s3p_lister *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n; i++)
        if (S3P_ON(PAGE_WRONG_KEPT, !w->item[i].wrong))
            w->item[n++] = w->item[i];
    w->n = n;
}

static int judge_page(struct s3p_lister *w, uint32_t number, struct s3p_err *err)
{
    bool sorted;
    S3P_TRY(open_page(w, number, err));
    if (S3P_LT(PAGE_TIMES_LE, w->to, w->from))
        return s3p_fail(err, S3P_EFORMAT, 0, "record %llu: t_return is before t_call",
                        (unsigned long long)(w->s->first_record + w->i));
    S3P_TRY(s3p_page_structure(w, &sorted, err));
    drop_wrong(w);
    bool whole = !w->truncated && w->anchored && w->start.len == 0;
    if (S3P_OFF(PAGE_OTHER_OFF, w->lists->head->key_order_other) && !whole &&
        w->page->kind != S3P_LIST_PARTS) {
        s3p_tally_skip(w->tally, S3P_WHY_LIST_NEGATIVES, 0, 1); /* nobody knows what it covers */
        return 0;
    }
    if (!sorted && w->n > 1)
        qsort_r(w->item, w->n, sizeof *w->item, compare_items, w);
    w->tally->pages++;
    w->tally->page_entries += w->n;
    return s3p_page_membership(w, err);
}

/* The pages of a unit are near each other in the file, and so are those that came before them. */
static void forget_entries(const struct s3p_lister *w, uint32_t from, uint32_t to)
{
    const struct s3p_page *last = &w->lists->page[to - 1];
    for (uint32_t i = from, first = from; i < to; i++) {
        const struct s3p_page *page = &w->lists->page[i];
        if (page != last && page[1].segment == page->segment)
            continue;
        const struct s3p_segment_view *s = s3p_histfile_segment(w->lists->file, page->segment);
        uint32_t begin = COL(s, uint32_t, entries_first)[w->lists->page[first].position];
        uint32_t end = COL(s, uint32_t, entries_first)[page->position] +
                       COL(s, uint32_t, entries_count)[page->position];
        s3p_histfile_forget(w->lists->file, s->entries + begin, s->entries + end);
        first = i + 1;
    }
}

int s3p_lists_judge(struct s3p_lister *w, uint32_t unit, struct s3p_tally *t, struct s3p_err *err)
{
    uint32_t from = unit * S3P_PAGES_A_UNIT, to = from + S3P_PAGES_A_UNIT;
    w->tally = t;
    s3p_tally_unit(t);
    to = to < w->lists->n ? to : w->lists->n;
    for (uint32_t i = from; i < to; i++)
        S3P_TRY(judge_page(w, i, err));
    forget_entries(w, from, to);
    return 0;
}
