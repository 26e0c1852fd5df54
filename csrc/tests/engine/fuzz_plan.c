/* libFuzzer target: any text as a plan. It is refused with a one-line error, or compiles to
 * programs whose jumps, slots and keys are within bounds. clang -fsanitize=fuzzer,address,undefined
 * … csrc/tests/engine/fuzz_plan.c */
#include <string.h>

#include "engine/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        __builtin_trap();
}

static void check_step(const struct s3p_plan *plan, const struct s3p_program *prog,
                       const struct s3p_step *s)
{
    require(s->kind < S3P_STEP_KINDS);
    require(s->target >= 0 && s->target < prog->nsteps);
    require(s->unknown_exit >= 0 && s->unknown_exit < prog->nsteps);
    require(s->slot >= S3P_NO_SLOT && s->slot < prog->nslots);
    require(s->bucket < plan->nbuckets);
    if (s->kind == S3P_STEP_OBJECT && s->u.object.key.slot == S3P_NO_SLOT) {
        struct s3p_keyref key = s->u.object.key.ref;
        const struct s3p_space *space = &plan->spaces.space[key.space];
        char scratch[S3P_KEY_MAX];
        struct s3p_keyref again;
        require(key.space < plan->spaces.n);
        struct s3p_str text = s3p_space_text(space, key.index, scratch);
        require(s3p_spaces_find(&plan->spaces, space->bucket, text, &again));
        require(again.space == key.space && again.index == key.index);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_plan *plan;
    struct s3p_err err = {0};
    if (s3p_plan_parse(&plan, (const char *)data, size, &err) != 0) {
        require(err.msg[0] != 0 && strchr(err.msg, '\n') == NULL);
        return 0;
    }
    for (int g = 0; g < plan->ngroups; g++) {
        const struct s3p_program *prog = &plan->group[g].program;
        for (int i = 0; i < prog->nsteps; i++)
            check_step(plan, prog, &prog->steps[i]);
        require(prog->steps[prog->nsteps - 1].kind == S3P_STEP_END);
    }
    s3p_plan_free(plan);
    return 0;
}
