/* What names hold: binding after a step, and reading for a later one. Loop thread only. */
#ifndef S3P_ENGINE_SLOTS_H
#define S3P_ENGINE_SLOTS_H

#include "engine/run.h"

int s3p_slots_create(struct s3p_slot **out, const struct s3p_program *prog,
                     struct s3p_err *err) S3P_MUST_CHECK;
void s3p_slots_free(struct s3p_slot *slots, int n);

void s3p_slot_set_text(struct s3p_slot *s, enum s3p_field field, struct s3p_str text);
/* The text of a field; empty when it has none yet. A key is not here: it needs the plan's spaces.
 */
struct s3p_str s3p_slot_text(const struct s3p_slot *s, enum s3p_field field);
int64_t s3p_expr_value(const struct s3p_expr *e, const struct s3p_slot *slots);
/* `when equal`. */
bool s3p_expr_equal(const struct s3p_expr *a, const struct s3p_expr *b,
                    const struct s3p_slot *slots);

/* to the listed keys, while there is room */
void s3p_slot_add_key(struct s3p_slot *s, struct s3p_str key);
/* The listed keys as views into the slot; returns how many. */
int s3p_slot_keys(const struct s3p_slot *s, struct s3p_str *out, int max);

/* Lifecycle: the last mutation of a held key, and letting go of all that the client holds. */
void s3p_slots_note(struct s3p_slot *slots, int n, struct s3p_keyref key, enum s3p_op op,
                    enum s3p_outcome outcome);
void s3p_slots_release(struct s3p_slot *slots, int n, struct s3p_chooser *chooser);

#endif
