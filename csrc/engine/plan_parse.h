/* What the files of the plan parser share. plan.c reads the document, plan_space.c the key spaces,
 * plan_group.c groups and what is asked of them, plan_program.c control steps and the order of a
 * program, plan_step.c the S3 steps, plan_ref.c names, expressions and keys. Private to the parser.
 */
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

struct s3p_verb {
    const char *name;
    const char *fields; /* all fields of such a step */
    enum s3p_op op;     /* NONE: a control step */
    uint32_t gives;     /* bits of enum s3p_field that its `as` binds */
    int (*compile)(struct s3p_compile *c, const struct s3p_verb *verb, const struct s3p_node *step);
};
#define S3P_GIVES(field) (1u << S3P_FIELD_##field)

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

int s3p_compile_object(struct s3p_compile *c, const struct s3p_verb *verb,
                       const struct s3p_node *step) S3P_MUST_CHECK;
int s3p_compile_delete_objects(struct s3p_compile *c, const struct s3p_verb *verb,
                               const struct s3p_node *step) S3P_MUST_CHECK;
int s3p_compile_list(struct s3p_compile *c, const struct s3p_verb *verb,
                     const struct s3p_node *step) S3P_MUST_CHECK;
int s3p_compile_bucket(struct s3p_compile *c, const struct s3p_verb *verb,
                       const struct s3p_node *step) S3P_MUST_CHECK;

/* A reference to one of the fields in `wanted` (bits): 1 and *slot, *field; 0: no reference;
 * negative: an error. */
int s3p_compile_ref(struct s3p_compile *c, const struct s3p_node *n, struct s3p_str text,
                    uint32_t wanted, int *slot, enum s3p_field *field) S3P_MUST_CHECK;
int s3p_compile_expr(struct s3p_compile *c, const struct s3p_node *n, uint32_t wanted,
                     struct s3p_expr *out) S3P_MUST_CHECK;
int s3p_find_slot(const struct s3p_program *prog, struct s3p_str name);

#endif
