/* What names hold: binding after a step, and reading for a later one. Loop thread only. */
#ifndef S3P_ENGINE_SLOTS_H
#define S3P_ENGINE_SLOTS_H

#include "engine/run.h"
#include "s3/documents.h"

int s3p_slots_create(struct s3p_slot **out, const struct s3p_program *prog,
                     struct s3p_err *err) S3P_MUST_CHECK;
void s3p_slots_free(struct s3p_slot *slots, int n);

void s3p_slot_set_text(struct s3p_slot *s, enum s3p_field field, struct s3p_str text);
/* The text of a field; empty when it has none yet. A key is not here: it needs the plan's spaces.
 */
struct s3p_str s3p_slot_text(const struct s3p_slot *s, enum s3p_field field);
int64_t s3p_expr_value(const struct s3p_expr *e, const struct s3p_slot *slots);
/* Of a `when` that compares. */
bool s3p_when_compares(const struct s3p_when_step *w, const struct s3p_slot *slots);

/* Where the next page begins: markers of keys (or part numbers) and of ids, or V2's token as an id.
 * Both empty: there is none. */
void s3p_slot_set_token(struct s3p_slot *s, struct s3p_str key, struct s3p_str id);
void s3p_slot_token(const struct s3p_slot *s, struct s3p_str *key, struct s3p_str *id);

/* The names of a page, while there is room. Views into the slot, until it is bound again. */
void s3p_slot_clear_names(struct s3p_slot *s);
void s3p_slot_add_name(struct s3p_slot *s, const struct s3p_delete_name *name);
/* The one at *at, from 0; false behind the last. */
bool s3p_slot_next_name(const struct s3p_slot *s, size_t *at, struct s3p_delete_name *name);

/* A part that was acknowledged, in place of an earlier one of the same number: its number, ETag and
 * checksum are those of the answer. */
void s3p_slot_add_part(struct s3p_slot *s, const struct s3p_complete_part *named, struct s3p_id id,
                       uint64_t size);
const struct s3p_slot_part *s3p_slot_find_part(const struct s3p_slot *s, unsigned number);

/* The upload of another client's name, with its parts so far; false: it has none. */
bool s3p_slot_borrow(struct s3p_slot *s, const struct s3p_slot *from);

/* Lifecycle: the last mutation of a held key, and letting go of all that the client holds. */
void s3p_slots_note(struct s3p_slot *slots, int n, struct s3p_keyref key, enum s3p_op op,
                    enum s3p_outcome outcome);
void s3p_slots_release(struct s3p_slot *slots, int n, struct s3p_chooser *chooser);

#endif
