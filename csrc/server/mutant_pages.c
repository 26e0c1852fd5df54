/* Pages in pieces, and the hooks that see them. */
#include "server/mutant_pages.h"

#include <string.h>

#include "core/text.h"
#include "server/mutant_state.h"

#define MADE_MAX (8 * 1024 * 1024)
#define MADE_ROOM (64 * 1024)

static const struct {
    const char *open, *close;
} tags[] = {
    {"<Contents>", "</Contents>"}, {"<Version>", "</Version>"}, {"<Upload>", "</Upload>"},
    {"<DeleteMarker>", "</DeleteMarker>"}, {"<Part>", "</Part>"},
    {"<CommonPrefixes>", "</CommonPrefixes>"},
};
enum { TAGS = sizeof tags / sizeof *tags };

static struct s3p_str slice(const char *from, const char *to)
{
    return (struct s3p_str){from, (size_t)(to - from)};
}

struct s3p_str s3p_srv_page_find(struct s3p_str in, const char *text)
{
    size_t n = strlen(text);
    const char *at = in.len > 0 ? memmem(in.p, in.len, text, n) : NULL;
    return (struct s3p_str){at, at != NULL ? n : 0};
}

/* The entry that the text begins with; .p NULL: none. */
static struct s3p_str entry_at(struct s3p_str text)
{
    for (int i = 0; i < TAGS; i++) {
        size_t n = strlen(tags[i].open);
        if (text.len < n || memcmp(text.p, tags[i].open, n) != 0)
            continue;
        struct s3p_str end = s3p_srv_page_find(text, tags[i].close);
        return end.p != NULL ? slice(text.p, end.p + end.len) : end;
    }
    return (struct s3p_str){NULL, 0};
}

/* The entries of a page stand together. */
void s3p_srv_page_split(struct s3p_srv_list_page *page, struct s3p_str body)
{
    const char *first = NULL, *end = body.p + body.len;
    for (int i = 0; i < TAGS; i++) {
        const char *at = s3p_srv_page_find(body, tags[i].open).p;
        first = at != NULL && (first == NULL || at < first) ? at : first;
    }
    page->n = 0;
    page->head = first != NULL ? slice(body.p, first) : body;
    const char *at = page->head.p + page->head.len;
    struct s3p_str e;
    while (page->n < S3P_SRV_PAGE_ENTRIES && (e = entry_at(slice(at, end))).p != NULL) {
        page->entry[page->n++] = e;
        at += e.len;
    }
    page->tail = slice(at, end);
    page->ended = false;
    page->made.max = MADE_MAX;
    s3p_buf_clear(&page->made);
    if (s3p_buf_reserve(&page->made, MADE_ROOM) != 0) /* once: views into it must stay */
        page->n = 0;
}

void s3p_srv_page_drop(struct s3p_srv_list_page *page, unsigned i)
{
    page->n--;
    memmove(page->entry + i, page->entry + i + 1, (page->n - i) * sizeof *page->entry);
}

struct s3p_str s3p_srv_page_field(struct s3p_str entry, const char *tag)
{
    struct s3p_str at = s3p_srv_page_find(entry, tag);
    if (at.p == NULL)
        return S3P_STR("");
    at.p += at.len;
    const char *end = memchr(at.p, '<', (size_t)(entry.p + entry.len - at.p));
    return end != NULL ? slice(at.p, end) : S3P_STR("");
}

bool s3p_srv_page_lists(const struct s3p_srv_list_page *page, const char *tag)
{
    return page->n > 0 && s3p_srv_page_find(page->entry[0], tag).p == page->entry[0].p;
}

bool s3p_srv_page_truncated(const struct s3p_srv_list_page *page)
{
    return s3p_srv_page_find(page->head, "<IsTruncated>true<").p != NULL ||
           s3p_srv_page_find(page->tail, "<IsTruncated>true<").p != NULL;
}

bool s3p_srv_page_edit(struct s3p_srv_list_page *page, struct s3p_str *piece, struct s3p_str part,
                       struct s3p_str with)
{
    struct s3p_buf *made = &page->made;
    size_t from = made->len;
    if (part.p == NULL || made->cap - made->len < piece->len + with.len)
        return false;
    s3p_buf_view(made, slice(piece->p, part.p));
    s3p_buf_view(made, with);
    s3p_buf_view(made, slice(part.p + part.len, piece->p + piece->len));
    *piece = (struct s3p_str){made->data + from, made->len - from};
    return true;
}

/* <Name>…</Name> in the piece; .p NULL: it has none. */
struct s3p_str s3p_srv_page_element(struct s3p_str piece, const char *open, const char *close)
{
    struct s3p_str from = s3p_srv_page_find(piece, open);
    if (from.p == NULL)
        return from;
    struct s3p_str end = s3p_srv_page_find(slice(from.p, piece.p + piece.len), close);
    return end.p != NULL ? slice(from.p, end.p + end.len) : end;
}

/* A page that calls itself the last one does not say how to go on. */
static void end_page(struct s3p_srv_list_page *page)
{
    static const struct {
        const char *open, *close, *with;
    } edits[] = {
        {"<IsTruncated>true<", "/IsTruncated>", "<IsTruncated>false</IsTruncated>"},
        {"<NextContinuationToken>", "</NextContinuationToken>", ""},
        {"<NextMarker>", "</NextMarker>", ""},
        {"<NextKeyMarker>", "</NextKeyMarker>", ""},
        {"<NextVersionIdMarker>", "</NextVersionIdMarker>", ""},
        {"<NextUploadIdMarker>", "</NextUploadIdMarker>", ""},
        {"<NextPartNumberMarker>", "</NextPartNumberMarker>", ""},
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct s3p_str with = {edits[i].with, strlen(edits[i].with)};
        struct s3p_str *piece[] = {&page->head, &page->tail};
        for (int k = 0; k < 2; k++) {
            struct s3p_str part = s3p_srv_page_element(*piece[k], edits[i].open, edits[i].close);
            (void)s3p_srv_page_edit(page, piece[k], part, with);
        }
    }
}

/* A page counts what it lists, whatever it leaves out. */
static void count_keys(struct s3p_srv_list_page *page)
{
    char digits[20];
    struct s3p_str part = s3p_srv_page_find(page->tail, "<KeyCount>");
    if (part.p == NULL)
        return;
    struct s3p_str number = s3p_srv_page_field(page->tail, "<KeyCount>");
    size_t n = s3p_u64_text(digits, page->n);
    (void)s3p_srv_page_edit(page, &page->tail, number, (struct s3p_str){digits, n});
}

static void replace(struct s3p_srv_req *req, struct s3p_srv_list_page *page)
{
    struct s3p_buf out, *body = &req->answer.body;
    if (page->ended)
        end_page(page);
    count_keys(page);
    s3p_buf_init(&out, body->max);
    s3p_buf_view(&out, page->head);
    for (unsigned i = 0; i < page->n; i++)
        s3p_buf_view(&out, page->entry[i]);
    s3p_buf_view(&out, page->tail);
    s3p_buf_clear(body);
    s3p_buf_add(body, out.data, out.len);
    s3p_buf_free(&out);
}

/* ---- the hooks ---- */

static struct s3p_srv_key_state none = {.inflight = 1, .len = 0};

void s3p_srv_mutants_page(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active; i++) {
        struct s3p_srv_mutant *a = &m->active[i];
        struct s3p_srv_list_page *page = &m->page;
        if (a->row->page == NULL)
            continue;
        s3p_srv_page_split(page, (struct s3p_str){req->answer.body.data, req->answer.body.len});
        if (!a->row->page(m, a, req, &none, page))
            continue;
        replace(req, page);
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    pthread_mutex_unlock(&m->mu);
}

enum s3p_srv_error s3p_srv_mutants_start(struct s3p_srv_req *req, struct s3p_srv_page *page,
                                         MDB_txn *txn)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    enum s3p_srv_error e = S3P_SE_NONE;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active && e == S3P_SE_NONE; i++)
        if (m->active[i].row->start != NULL)
            e = m->active[i].row->start(m, &m->active[i], req, &none, page, txn);
    pthread_mutex_unlock(&m->mu);
    return e;
}
