/* The body of a multipart object on its way out. The descriptors of all parts in range are opened
 * at once, inside the read view, so that an overwrite neither tears the answer nor ends it: an open
 * descriptor keeps its bytes. */
#ifndef S3P_SERVER_PARTS_BODY_H
#define S3P_SERVER_PARTS_BODY_H

#include <sys/types.h>

#include "server/records.h"
#include "server/store.h"

struct s3p_srv_parts_body;

/* `bytes` from `first` on, of an object whose body lies in one or more files. 0, or the errno of
 * what failed; ENOENT: the object was replaced. */
int s3p_srv_parts_open(struct s3p_srv_parts_body **out, const struct s3p_srv_store *s,
                       const struct s3p_srv_record *r, uint64_t first, uint64_t bytes);
/* At most `max` bytes from `at`, counted from `first`; 0 at the end, -1 on failure. Quick when `at`
 * only grows. */
ssize_t s3p_srv_parts_read(struct s3p_srv_parts_body *b, uint64_t at, char *buf, size_t max);
void s3p_srv_parts_close(struct s3p_srv_parts_body *b);

#endif
