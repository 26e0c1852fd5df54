/* Documents that clients send, read with expat: no document type, bounded depth; elements with or
 * without the S3 namespace; unknown elements are skipped. Bounds on the bytes are the caller's. */
#ifndef S3P_SERVER_XML_READ_H
#define S3P_SERVER_XML_READ_H

#include <stdbool.h>

#include "server/errors.h"
#include "server/store.h"
#include "server/sums.h"

#define S3P_SRV_DELETE_KEYS_MAX 1000

/* One <Object>, in a row with the others: this head, then key, version id and ETag. */
struct s3p_srv_delete_entry {
    uint32_t key_len, version_len, etag_len;
    bool has_version, has_etag;
};

struct s3p_srv_delete_doc {
    struct s3p_buf *keys; /* of struct s3p_srv_delete_entry and their texts */
    size_t n_keys;
    bool quiet;
    bool conditions; /* some object carries LastModifiedTime or Size: not offered */
};

/* Calls back with the elements of a document, by their path below `root`, as "Rule/Filter/Prefix",
 * and of one that ends its text as it stands. */
struct s3p_srv_xml_paths {
    void (*open)(void *cls, const char *path);
    void (*end)(void *cls, const char *path, struct s3p_str text);
    void *cls;
};
enum s3p_srv_error s3p_srv_xml_paths(struct s3p_str body, const char *root,
                                     const struct s3p_srv_xml_paths *to);

/* <Delete>. XML: malformed, no key, more than 1,000, a key of no or more than 1,024 bytes. */
enum s3p_srv_error s3p_srv_xml_delete(struct s3p_str body, struct s3p_srv_delete_doc *out);

/* One <Part> of a CompleteMultipartUpload. */
struct s3p_srv_named_part {
    uint32_t number;
    bool etag_ok; /* it has the form of a part's ETag */
    uint8_t md5[S3P_MD5_BYTES];
    uint8_t sum_kind; /* enum s3p_srv_sum_kind; NONE without */
    uint8_t sum[S3P_SRV_SUM_MAX];
};

/* <CompleteMultipartUpload>: appends struct s3p_srv_named_part, at most S3P_SRV_PARTS_MAX of them.
 */
enum s3p_srv_error s3p_srv_xml_complete(struct s3p_str body, struct s3p_buf *parts);

/* <Tagging>: appends its pairs in the form of metadata; more than a hundred are malformed. */
enum s3p_srv_error s3p_srv_xml_tagging(struct s3p_str body, struct s3p_buf *tags);

/* <VersioningConfiguration>: Enabled or Suspended; MfaDelete is not offered. */
enum s3p_srv_error s3p_srv_xml_versioning(struct s3p_str body, enum s3p_srv_versioning *state);

/* <CreateBucketConfiguration>: its LocationConstraint (appended to `location`), empty when there is
 * none. */
enum s3p_srv_error s3p_srv_xml_create_bucket(struct s3p_str body, struct s3p_buf *location);

#endif
