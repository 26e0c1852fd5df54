/* Upload ids and version ids: opaque, safe in URLs, decoded to their sequence number without a
 * table. A text that no store made is told from one that is merely unknown. */
#ifndef S3P_SERVER_IDS_H
#define S3P_SERVER_IDS_H

#include <stdbool.h>

#include "core/buf.h"

#define S3P_SRV_ID_BYTES 32

void s3p_srv_id_text(char text[S3P_SRV_ID_BYTES], uint64_t seq);
bool s3p_srv_id_parse(struct s3p_str text, uint64_t *seq); /* false: not an id */

#endif
