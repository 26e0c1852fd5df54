/* What the store implements, from the tables that decide it (routes.c, errors.c), as one document:
 *   {"operations": [{"name", "method", "level", "select", "option", "implemented", "arguments",
 *                    "headers", "about"}],
 *    "headers": [{"name", "everywhere", "operations", "only"}],
 *    "errors": [{"code", "status", "message"}]}
 * option: the switch without which the operation is refused, null: none. headers: those that only
 * some operations honour. only: the one value that is let through elsewhere; null: none is.
 * docs/store.md is made from it (tools/gen_store_doc.py). */
#ifndef S3P_SERVER_DESCRIBE_H
#define S3P_SERVER_DESCRIBE_H

#include <jansson.h>

json_t *s3p_srv_describe(void); /* a new reference; NULL without memory */

/* One line on an operation, "" when there is none: each row of routes.c should have one. */
const char *s3p_srv_describe_about(const char *operation);

#endif
