/* Reads the XML answers of S3. Errors are scanned without a parser and without allocation; pages
 * and results go through expat (entities and DTDs refused, depth bounded, size bounded by the
 * caller's buffer and arena). What is malformed is S3P_EFORMAT.
 * Threads: plain data of its owner. */
#ifndef S3P_S3_XML_H
#define S3P_S3_XML_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "s3/etag.h"

/* True when `p` (leading blanks and declarations skipped) is an <Error> document; code and message
 * are views into it, not unescaped, empty when missing. */
bool s3p_xml_error(const char *p, size_t len, struct s3p_str *code, struct s3p_str *message);

/* ---- xml_list.c: the pages of all listings; everything lives in `arena` ---- */

enum s3p_page_kind { S3P_PAGE_OBJECTS, S3P_PAGE_VERSIONS, S3P_PAGE_UPLOADS, S3P_PAGE_PARTS };

struct s3p_list_entry {
    struct s3p_str key; /* decoded (encoding-type=url undone); of a part: empty */
    struct s3p_str id;  /* version or upload id */
    struct s3p_etag etag;
    struct s3p_str etag_text;
    uint64_t size;
    uint64_t number;          /* of a part */
    int64_t last_modified_ns; /* wall clock; 0 when missing or unreadable */
    bool is_prefix;           /* a CommonPrefix: key is the prefix, the rest is empty */
    bool is_marker, is_latest; /* versions */
};
struct s3p_list_page {
    struct s3p_list_entry *entries; /* with CommonPrefixes, in document order */
    int n;
    bool truncated;
    int key_count, max_keys; /* -1 when not sent */
    /* token: of V2, or the id marker of versions and uploads, never url-encoded; marker: of V1, the
     * key marker (both decoded), or the part number marker */
    struct s3p_str next_token, next_marker;
};
int s3p_xml_page(enum s3p_page_kind kind, struct s3p_list_page *page, struct s3p_arena *arena,
                 const char *p, size_t len, struct s3p_err *err) S3P_MUST_CHECK;

/* ---- xml_result.c: the results of other operations; texts live in `arena` ---- */

struct s3p_delete_result {
    struct s3p_str key, version_id; /* as they were asked for; the id is empty without one */
    struct s3p_str code;            /* empty: deleted */
    struct s3p_str marker_id;       /* of the delete marker that was made or removed */
    bool is_marker;
    bool taken; /* false; for whoever deals the results out */
};
struct s3p_delete_results {
    struct s3p_delete_result *results;
    int n;
};
int s3p_xml_delete(struct s3p_delete_results *r, struct s3p_arena *arena, const char *p, size_t len,
                   struct s3p_err *err) S3P_MUST_CHECK;

enum s3p_result_kind {
    S3P_RESULT_CREATE_UPLOAD,
    S3P_RESULT_COMPLETE_UPLOAD,
    S3P_RESULT_COPY,
    S3P_RESULT_COPY_PART,
    S3P_RESULT_VERSIONING,
    S3P_RESULT_ATTRIBUTES,
};
struct s3p_result { /* what the document does not have is empty */
    struct s3p_str upload_id, etag, status;
    struct s3p_str sum_name, sum; /* "CRC32C", as S3 writes it, and the value */
    uint64_t size, parts;
};
/* A create_upload without its id is S3P_EFORMAT. Blanks and declarations before the document are
 * skipped. */
int s3p_xml_result(enum s3p_result_kind kind, struct s3p_result *r, struct s3p_arena *arena,
                   const char *p, size_t len, struct s3p_err *err) S3P_MUST_CHECK;

struct s3p_tag;
/* A tag set, at most `max` of them; returns how many, or a negative code. */
int s3p_xml_tags(struct s3p_tag *tags, int max, struct s3p_arena *arena, const char *p, size_t len,
                 struct s3p_err *err) S3P_MUST_CHECK;

void s3p_xml_escape(struct s3p_buf *out, const char *p, size_t len); /* & < > " and CR */

#endif
