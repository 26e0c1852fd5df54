/* What is legal and surprises: one row each, with hooks like those of the faults. No answer counts
 * as altered; how often a mode fired is counted. */
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/random.h"
#include "server/mutant_pages.h"
#include "server/routes.h"

static const struct s3p_srv_key_state no_key = {.inflight = 1};

static bool is(const struct s3p_srv_req *req, const char *operation)
{
    return strcmp(req->route->name, operation) == 0;
}

static bool alone(const struct s3p_srv_key_state *k)
{
    return k->inflight < 2;
}

/* ---- conditions ---- */

S3P_SRV_JUDGE(overlap_judge)
{
    (void)now;
    return e == S3P_SE_PRECONDITION && !alone(k) && s3p_srv_mutant_fires(m, a, req, k)
               ? S3P_SE_CONFLICT
               : e;
}

S3P_SRV_JUDGE(absent_judge)
{
    return e == S3P_SE_NO_KEY && now == NULL && req->conditions.if_match.p != NULL &&
                   s3p_srv_mutant_fires(m, a, req, k)
               ? S3P_SE_PRECONDITION
               : e;
}

/* ---- writes ---- */

S3P_SRV_HOLD(overlap_hold)
{
    return is(req, "PutObject") && !alone(k) && s3p_srv_mutant_fires(m, a, req, k);
}

/* The client sees the connection end; the write goes on. */
S3P_SRV_HOLD(late_hold)
{
    if (!is(req, "PutObject") || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        (void)shutdown(info->connect_fd, SHUT_RDWR);
    return true;
}

S3P_SRV_MADE(whole_seconds)
{
    (void)now;
    int64_t rest = then->mtime_wall_ns % S3P_S;
    if (rest != 0 && s3p_srv_mutant_fires(m, a, req, k))
        then->mtime_wall_ns -= rest;
}

S3P_SRV_MADE(opaque_etag)
{
    (void)now;
    uint64_t half[2] = {s3p_mix64(m->seed + then->seq), s3p_mix64(then->seq)};
    if (s3p_srv_mutant_fires(m, a, req, k))
        memcpy(then->md5, half, sizeof then->md5);
}

/* ---- uploads ---- */

/* Where a write stands in the order: an upload at its beginning. A conditional Complete is judged
 * when it comes, and stands there. */
static uint64_t place(const struct s3p_srv_mutants *m, const struct s3p_srv_req *req)
{
    return is(req, "CompleteMultipartUpload") && !s3p_srv_conditional(req)
               ? req->upload
               : 1 + atomic_load_explicit(&m->srv->store.next_seq, memory_order_relaxed);
}

S3P_SRV_JUDGE(initiated_judge)
{
    if (e != S3P_SE_NONE || req->bucket.versioning != S3P_SRV_NEVER_VERSIONED)
        return e;
    uint64_t seq = place(m, req);
    if (now != NULL && seq < k->order_seq && s3p_srv_mutant_fires(m, a, req, k)) {
        req->write.drop = true;
        return e;
    }
    k->order_seq = seq;
    k->keep = true;
    return e;
}

S3P_SRV_JOINED(forgets_complete)
{
    (void)t;
    return object == NULL && e == S3P_SE_NONE && s3p_srv_mutant_fires(m, a, req, req->key_state)
               ? S3P_SE_NO_UPLOAD
               : e;
}

/* An Abort while a part is on its way: what was sent stays, until another Abort; nothing more is
 * taken. */
S3P_SRV_ABORTED(part_races)
{
    (void)t;
    struct s3p_srv_upload_state *u = s3p_srv_mutant_upload(m, req->upload);
    if (e != S3P_SE_NONE || u->sending == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.drop = true;
    u->aborted = true;
    return e;
}

static bool aborted(struct s3p_srv_mutants *m, const struct s3p_srv_req *req)
{
    return req->upload != 0 && s3p_srv_mutant_upload(m, req->upload)->aborted;
}

S3P_SRV_TAKEN(part_too_late)
{
    (void)a;
    (void)k;
    return e == S3P_SE_NONE && s3p_str_eq(req->head.method, "PUT") && aborted(m, req)
               ? S3P_SE_NO_UPLOAD
               : e;
}

S3P_SRV_JOINED(complete_too_late)
{
    (void)a;
    (void)t;
    (void)object;
    return e == S3P_SE_NONE && aborted(m, req) ? S3P_SE_NO_UPLOAD : e;
}

/* Blanks behind the XML declaration, while the work goes on. */
S3P_SRV_PAGE(blanks)
{
    static const char text[] = "\n   \n \n";
    struct s3p_str head = page->head;
    const char *end = head.len > 5 && memcmp(head.p, "<?xml", 5) == 0
                          ? memmem(head.p, head.len, "?>", 2)
                          : NULL;
    if (page->n > 0 || end == NULL ||
        !(is(req, "CompleteMultipartUpload") || is(req, "CopyObject") ||
          is(req, "UploadPartCopy")) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    page->head.len = (size_t)(end + 2 - head.p);
    page->entry[0] = (struct s3p_str){text, sizeof text - 1};
    page->entry[1] = (struct s3p_str){end + 2, head.len - page->head.len};
    page->n = 2;
    return true;
}

/* ---- all requests ---- */

S3P_SRV_ARRIVE(slow_down)
{
    bool settings = req->route->level != S3P_SRV_OBJECT && !s3p_str_eq(req->head.method, "GET");
    return !settings && s3p_srv_mutant_fires(m, a, req, &no_key) ? S3P_SE_SLOW : S3P_SE_NONE;
}

S3P_SRV_ARRIVE(not_ready)
{
    bool young = req->route->level != S3P_SRV_SERVICE && !is(req, "CreateBucket") &&
                 s3p_wall_ns() - req->bucket.created_wall_ns < a->spec.delay_ns;
    return young && s3p_srv_mutant_fires(m, a, req, &no_key) ? S3P_SE_NO_BUCKET : S3P_SE_NONE;
}

#define CONDITIONAL "AWS: User Guide, conditional writes"
#define MULTIPART "AWS: User Guide, multipart upload"
#define MODEL "AWS: User Guide, consistency model"

const struct s3p_srv_mutant_row s3p_srv_modes[] = {
    {
        .name = "ok-409-instead-of-412",
        .breaks = "a condition that fails while another request is on the key is answered with 409",
        .section = "12",
        .needs = "concurrency",
        .legal = CONDITIONAL ": 409 ConditionalRequestConflict",
        .judge = overlap_judge,
    },
    {
        .name = "ok-404-for-if-match-absent",
        .breaks = "If-Match on an absent key is answered with 404",
        .section = "12",
        .needs = "",
        .legal = CONDITIONAL,
        .always = true,
    },
    {
        .name = "ok-412-for-if-match-absent",
        .breaks = "If-Match on an absent key is answered with 412",
        .section = "12",
        .needs = "",
        .legal = "RFC 9110, 13.1.1; profile if_match_absent",
        .judge = absent_judge,
    },
    {
        .name = "ok-mpu-completed-order",
        .breaks = "an upload takes its place among the writes when it is completed",
        .section = "12",
        .needs = "uploads",
        .legal = "MinIO, Ceph, GCS; profile mpu_order",
        .always = true,
    },
    {
        .name = "ok-mpu-initiated-order",
        .breaks = "an upload takes its place where it was begun: what was written since stays",
        .section = "12",
        .needs = "uploads",
        .legal = MULTIPART ", concurrent operations; profile mpu_order",
        .judge = initiated_judge,
    },
    {
        .name = "ok-complete-twice-200",
        .breaks = "a repeated Complete is answered with 200 again",
        .section = "12",
        .needs = "uploads",
        .legal = "AWS: API Reference, CompleteMultipartUpload",
        .always = true,
    },
    {
        .name = "ok-complete-twice-404",
        .breaks = "a repeated Complete is answered with NoSuchUpload",
        .section = "12",
        .needs = "uploads",
        .legal = "MinIO, Ceph: the upload id is gone",
        .joined = forgets_complete,
    },
    {
        .name = "ok-parts-remain-after-racing-abort",
        .breaks = "an Abort while a part is on its way leaves parts behind, for another Abort",
        .section = "12",
        .needs = "uploads",
        .legal = "AWS: API Reference, AbortMultipartUpload: abort again, look with ListParts",
        .aborted = part_races,
        .taken = part_too_late,
        .joined = complete_too_late,
    },
    {
        .name = "ok-concurrent-put-any-order",
        .breaks = "of overlapping PUTs any one wins, whichever came first",
        .section = "12",
        .needs = "concurrency",
        .delay_ms = 2,
        .p = 0.25,
        .legal = MODEL ", concurrent applications",
        .hold = overlap_hold,
    },
    {
        .name = "ok-late-landing",
        .breaks = "a PUT whose connection ended is applied delay_ms later",
        .section = "12",
        .needs = "",
        .delay_ms = 20,
        .p = 0.01,
        .legal = "any store: a request without an answer may yet be carried out",
        .hold = late_hold,
    },
    {
        .name = "ok-nonatomic-page",
        .breaks = "one page of a listing shows two instants of its own interval",
        .section = "12",
        .needs = "",
        .delay_ms = 2,
        .p = 0.25,
        .legal = MODEL ": it is about each key",
        .page = s3p_srv_mode_mixed,
    },
    {
        .name = "ok-delete-absent-204",
        .breaks = "DELETE of an absent key is answered with 204",
        .section = "12",
        .needs = "",
        .legal = "AWS: API Reference, DeleteObject",
        .always = true,
    },
    {
        .name = "ok-marker-for-absent-key",
        .breaks = "DELETE of an absent key in a versioned bucket makes a delete marker",
        .section = "12",
        .needs = "versions",
        .legal = "AWS: User Guide, delete markers",
        .always = true,
    },
    {
        .name = "ok-last-modified-equal",
        .breaks = "times have whole seconds: two versions may show the same one",
        .section = "12",
        .needs = "overwrites",
        .legal = "RFC 9110, 8.8.2; profile last_modified_resolution_s",
        .made = whole_seconds,
    },
    {
        .name = "ok-aba-by-content",
        .breaks = "the same bytes have the same ETag, and a condition on it holds again",
        .section = "12",
        .needs = "",
        .legal = "AWS: API Reference, Object: the ETag reflects changes of the contents only",
        .always = true,
    },
    {
        .name = "ok-copy-same-etag",
        .breaks = "a copy has the ETag of its source",
        .section = "12",
        .needs = "",
        .legal = "AWS: API Reference, CopyObject",
        .always = true,
    },
    {
        .name = "ok-whitespace-before-xml",
        .breaks = "blanks stand before the result of a Complete or a copy",
        .section = "12",
        .needs = "",
        .legal = "AWS: API Reference, CompleteMultipartUpload: white space keeps it alive",
        .page = blanks,
    },
    {
        .name = "ok-short-page",
        .breaks = "a page has fewer entries than max-keys, and is not the last",
        .section = "12",
        .needs = "",
        .p = 0.5,
        .legal = "AWS: API Reference, ListObjectsV2: never more, perhaps fewer",
        .start = s3p_srv_mode_short,
    },
    {
        .name = "ok-empty-page-truncated",
        .breaks = "a page is empty, and has a token to go on with",
        .section = "12",
        .needs = "",
        .p = 0.25,
        .legal = "AWS: API Reference, ListObjectsV2: IsTruncated alone says where the end is",
        .start = s3p_srv_mode_empty,
    },
    {
        .name = "ok-upload-listing-settles",
        .breaks = "an upload that was begun within delay_ms is not listed yet",
        .section = "12",
        .needs = "uploads",
        .delay_ms = 20,
        .legal = "MinIO, R2; profile mpu_listing, mpu_listing_lag_ms",
        .page = s3p_srv_page_settles,
    },
    {
        .name = "ok-503-throttle",
        .breaks = "requests for objects and listings are refused with SlowDown",
        .section = "12",
        .needs = "",
        .p = 0.02,
        .legal = "AWS: API Reference, error codes: 503 SlowDown",
        .arrive = slow_down,
    },
    {
        .name = "ok-bucket-ready-delay",
        .breaks = "a new bucket is not there for delay_ms",
        .section = "12",
        .needs = "",
        .delay_ms = 30,
        .legal = "AWS: User Guide, bucket configurations; profile bucket_ready_s",
        .arrive = not_ready,
    },
    {
        .name = "ok-lifecycle-late",
        .breaks = "what a lifecycle rule finds due is left for delay_ms, and judged again then",
        .section = "12",
        .needs = "lifecycle",
        .delay_ms = 50,
        .legal = "AWS: User Guide, expiring objects: there may be a delay",
        .late = true,
    },
    {
        .name = "ok-last-tag-writer-wins",
        .breaks = "a set of tags replaces the one before as a whole",
        .section = "12",
        .needs = "",
        .legal = "AWS: API Reference, PutObjectTagging",
        .always = true,
    },
    {
        .name = "ok-etag-not-md5",
        .breaks = "an ETag has nothing to do with the bytes, as with encryption",
        .section = "12",
        .needs = "",
        .legal = "AWS: API Reference, Object: SSE-KMS, SSE-C; profile etag_is_md5",
        .made = opaque_etag,
    },
    {
        .name = "ok-unquoted-if-match-accepted",
        .breaks = "If-Match may name the ETag without its quotes",
        .section = "12",
        .needs = "",
        .legal = "AWS in practice, and most clients of it",
        .always = true,
    },
    {
        .name = "ok-plain-delete-of-locked-object-adds-marker",
        .breaks = "a DELETE without a version id hides a locked version, which stays",
        .section = "12",
        .needs = "versions",
        .legal = "AWS: User Guide, Locking objects with Object Lock",
        .always = true,
    },
    {.name = NULL},
};
