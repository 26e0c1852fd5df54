/* What the steps on objects and uploads have in common: their arguments into the request and the
 * record, and what a name gets of the answer. Private to the step_*.c files.
 * Threads: on the coroutine of the client. */
#ifndef S3P_ENGINE_STEP_H
#define S3P_ENGINE_STEP_H

#include "engine/attempt.h"
#include "engine/slots.h"
#include "s3/xml.h"

/* False: a name that holds no key. */
bool s3p_step_key(const struct s3p_client *c, const struct s3p_key_arg *arg,
                  struct s3p_keyref *out);
/* A value id of this attempt. */
struct s3p_id s3p_step_id(struct s3p_client *c);

void s3p_step_set_condition(struct s3p_try *t, const struct s3p_object_step *o);
void s3p_step_set_version(struct s3p_try *t, const struct s3p_object_step *o);
void s3p_step_set_range(struct s3p_try *t, const struct s3p_object_step *o, struct s3p_keyref key);
/* How many fields the metadata have that go with the request's id. */
void s3p_step_set_fields(struct s3p_try *t, const struct s3p_object_step *o);
/* The body and, with `in_meta`, the id in the metadata. */
void s3p_step_set_body(struct s3p_try *t, const struct s3p_object_step *o, bool in_meta);
void s3p_step_set_tags(struct s3p_try *t, const struct s3p_object_step *o, struct s3p_id id);
void s3p_step_set_source(struct s3p_try *t, const struct s3p_object_step *o,
                         struct s3p_keyref key);

/* After an answer that is ok: key, size, ETag and version to the name of the step. */
void s3p_step_bind(struct s3p_try *t, struct s3p_keyref key);
/* The id of the attempt's body: of a write before it is sent, so that the name has it however the
 * write ends. */
void s3p_step_bind_id(const struct s3p_try *t);
/* The document of a 2xx; unreadable, or false where there is none to read. `arena` is initialised
 * and freed by the caller. */
bool s3p_step_read_result(struct s3p_try *t, enum s3p_result_kind kind, struct s3p_arena *arena,
                          struct s3p_result *out);
#define S3P_RESULT_ARENA_BYTES (64u << 10)

/* The better known of two ends of attempts that make one step: unknown, then failed, then ok. */
enum s3p_outcome s3p_step_worse(enum s3p_outcome a, enum s3p_outcome b);
/* Memory ran out inside a step: the run ends. */
int s3p_step_no_memory(struct s3p_client *c, const char *what);

#endif
