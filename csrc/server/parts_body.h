/* A body that lies in one or more files, on its way out: one descriptor is open at a time. A single
 * file is opened at once, inside the read view, and keeps its bytes. Of several, a pin (pins.h)
 * keeps all files, so that an overwrite neither tears the answer nor ends it. */
#ifndef S3P_SERVER_PARTS_BODY_H
#define S3P_SERVER_PARTS_BODY_H

#include <sys/types.h>

#include "server/records.h"
#include "server/store.h"

struct s3p_srv_parts_body;

/* `bytes` from `first` on, of an object whose body lies in files. Inside the view that `r` comes
 * from. 0, or the errno of what failed; ENOENT: the object was replaced. */
int s3p_srv_parts_open(struct s3p_srv_parts_body **out, const struct s3p_srv_store *s,
                       const struct s3p_srv_record *r, uint64_t first, uint64_t bytes);
/* At most `max` bytes from `at`, counted from `first`; -1 on failure, 0 at the end. Quick when `at`
 * only grows. */
ssize_t s3p_srv_parts_read(struct s3p_srv_parts_body *b, uint64_t at, char *buf, size_t max);
void s3p_srv_parts_close(struct s3p_srv_parts_body *b);

#endif
