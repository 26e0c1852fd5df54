/* What the files of the plan parser share. plan.c reads the document, plan_space.c the key spaces,
 * plan_group.c groups and what is asked of them, plan_program.c the order of a program,
 * plan_verbs.c the table of all steps, plan_control.c those without a request, plan_object.c and
 * plan_option.c those on an object and their options, plan_upload.c uploads, plan_list.c pages,
 * batches and buckets, plan_rules.c rules of buckets, plan_ref.c names, expressions and keys.
 * Private to the parser. */
#ifndef S3P_ENGINE_PLAN_PARSE_H
#define S3P_ENGINE_PLAN_PARSE_H

#include "engine/plan.h"
#include "engine/plan_node.h"

struct s3p_parse {
    struct s3p_reader r;
    struct s3p_plan *plan;
    int declared_spaces;           /* those before the implicit ones */
    int implicit[S3P_BUCKETS_MAX]; /* the space of a bucket's literal keys; -1: none yet */
    uint64_t implicit_cap[S3P_BUCKETS_MAX];
};

/* What the last step that bound a name tells about it, in program order. */
struct s3p_binding {
    const struct s3p_verb *by; /* NULL: not bound yet */
    uint32_t gives;            /* bits of enum s3p_field */
    uint16_t space, bucket;    /* of the key; of the listed bucket */
    bool looked_at;            /* a lifecycle key that was not taken: for reading only */
};

struct s3p_compile {
    struct s3p_parse *p;
    struct s3p_group *group;
    struct s3p_program *prog;
    struct s3p_binding *binding; /* by slot */
    int depth, loops;
    int until; /* the step that enters the innermost `repeat until`, -1 outside */
};

typedef int s3p_compile_fn(struct s3p_compile *c, const struct s3p_verb *verb,
                           const struct s3p_node *step);
struct s3p_verb {
    const char *name;
    const char *fields; /* all fields of such a step; NULL: any */
    enum s3p_op op;     /* NONE: a control step */
    uint32_t gives;     /* bits of enum s3p_field that its `as` binds */
    s3p_compile_fn *compile;
};
#define S3P_GIVES(field) (1u << S3P_FIELD_##field)

/* plan_verbs.c: the verb of a step, whose fields are known then. */
int s3p_find_verb(struct s3p_compile *c, const struct s3p_node *step,
                  const struct s3p_verb **out) S3P_MUST_CHECK;

int s3p_parse_spaces(struct s3p_parse *p, const struct s3p_node *root) S3P_MUST_CHECK;
int s3p_parse_groups(struct s3p_parse *p, const struct s3p_node *root) S3P_MUST_CHECK;
int s3p_parse_require(struct s3p_parse *p, const struct s3p_node *root) S3P_MUST_CHECK;
int s3p_parse_load(struct s3p_parse *p, const struct s3p_node *root) S3P_MUST_CHECK;
/* `bucket` member of an object: a role; *out keeps its value when absent. */
int s3p_parse_bucket(const struct s3p_parse *p, const struct s3p_node *n,
                     uint16_t *out) S3P_MUST_CHECK;
/* The key (space, index) of a literal; makes the bucket's implicit space when needed. */
int s3p_parse_literal_key(struct s3p_parse *p, const struct s3p_node *n, uint16_t bucket,
                          struct s3p_keyref *out) S3P_MUST_CHECK;

int s3p_compile_program(struct s3p_parse *p, struct s3p_group *g,
                        const struct s3p_node *list) S3P_MUST_CHECK;
struct s3p_step *s3p_compile_add(struct s3p_compile *c, enum s3p_step_kind kind);
int s3p_compile_as(struct s3p_compile *c, const struct s3p_verb *verb, const struct s3p_node *step,
                   struct s3p_step *s, struct s3p_binding what) S3P_MUST_CHECK;

int s3p_compile_steps(struct s3p_compile *c, const struct s3p_node *list) S3P_MUST_CHECK;

/* one a kind of step, for the table */
s3p_compile_fn s3p_compile_repeat, s3p_compile_when, s3p_compile_barrier, s3p_compile_sleep,
    s3p_compile_choose, s3p_compile_borrow, s3p_compile_behaviour;
s3p_compile_fn s3p_compile_object, s3p_compile_copy, s3p_compile_tags, s3p_compile_attributes,
    s3p_compile_create_upload;
s3p_compile_fn s3p_compile_upload_part, s3p_compile_complete_upload, s3p_compile_abort_upload,
    s3p_compile_list_parts;
s3p_compile_fn s3p_compile_list, s3p_compile_delete_objects, s3p_compile_bucket,
    s3p_compile_put_versioning, s3p_compile_put_rules;

/* plan_option.c: the options that the step has, each by its row; those that must be there. */
int s3p_compile_options(struct s3p_compile *c, const struct s3p_node *step,
                        struct s3p_step *s) S3P_MUST_CHECK;
int s3p_compile_needed(struct s3p_compile *c, const struct s3p_node *step,
                       const char *option) S3P_MUST_CHECK;
/* The key in `n`, in `bucket` or that of the option `bucket_option` of the step. */
int s3p_compile_key(struct s3p_compile *c, const struct s3p_node *step, const struct s3p_node *n,
                    const char *bucket_option, struct s3p_key_arg *key, uint16_t *bucket,
                    struct s3p_binding *about) S3P_MUST_CHECK;
/* The slot of an upload in `step`'s verb, by a reference to its field. */
int s3p_compile_upload_slot(struct s3p_compile *c, const struct s3p_verb *verb,
                            const struct s3p_node *step, uint32_t field,
                            int *slot) S3P_MUST_CHECK;
/* A page of a bucket, or of the parts of an upload. */
int s3p_compile_page(struct s3p_compile *c, const struct s3p_verb *verb,
                     const struct s3p_node *step, uint16_t bucket, int upload_slot) S3P_MUST_CHECK;
/* Whether a part of the upload may be cut: it is the highest of the program's. */
bool s3p_part_may_be_cut(const struct s3p_compile *c, const struct s3p_object_step *o);

/* A reference to one of the fields in `wanted` (bits): 1 and *slot, *field; 0: no reference;
 * negative: an error. */
int s3p_compile_ref(struct s3p_compile *c, const struct s3p_node *n, struct s3p_str text,
                    uint32_t wanted, int *slot, enum s3p_field *field) S3P_MUST_CHECK;
int s3p_compile_expr(struct s3p_compile *c, const struct s3p_node *n, uint32_t wanted,
                     struct s3p_expr *out) S3P_MUST_CHECK;
int s3p_find_slot(const struct s3p_program *prog, struct s3p_str name);

#endif
