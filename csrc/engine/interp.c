#include <string.h>

#include "core/clock.h"
#include "engine/attempt.h"
#include "engine/slots.h"

#define SPINS_A_TURN 64 /* loop ends without a pause before the other clients get a turn */
#define SHIFT_MAX 40

static int step_end(struct s3p_client *c, int pc)
{
    (void)c;
    (void)pc;
    return S3P_END_RUN;
}

static int step_jump(struct s3p_client *c, int pc)
{
    return c->g->program.steps[pc].target;
}

static int step_loop_enter(struct s3p_client *c, int pc)
{
    const struct s3p_loop_step *l = &c->g->program.steps[pc].u.loop;
    c->loop_count[l->counter] = 0;
    if (l->until_ok)
        c->ambiguous_step = -1;
    return pc + 1;
}

/* Loops without a request must not keep the other clients of the worker from running. */
static bool give_turn(struct s3p_client *c)
{
    if (c->paused) {
        c->paused = false;
        c->spins = 0;
    } else if (++c->spins >= SPINS_A_TURN) {
        c->spins = 0;
        if (s3p_yield(c->w->loop) != 0)
            return false;
    }
    return !s3p_client_ended(c);
}

static int step_loop_back(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_loop_step *l = &step->u.loop;
    if (!give_turn(c))
        return S3P_END_STOPPED;
    bool more = ++c->loop_count[l->counter] < l->times;
    if (!l->until_ok)
        return more ? step->target : pc + 1;
    bool unknown =
        c->has_last && c->last == S3P_UNKNOWN && s3p_op_table[c->last_op].cls == S3P_CLASS_MUTATION;
    bool ok = c->has_last && c->last == S3P_OK_OUTCOME;
    if (!ok && !unknown && more) {
        c->stat->retries++;
        return step->target;
    }
    c->ambiguous_step = -1;
    c->stat->unknown += unknown;
    c->stat->exhausted += !ok && !unknown;
    return pc + 1;
}

static bool when_holds(const struct s3p_client *c, const struct s3p_when_step *w)
{
    if (w->compare != S3P_COMPARE_NONE)
        return s3p_when_compares(w, c->slots);
    if (!c->has_last)
        return false;
    if ((w->classes >> c->last & 1) != 0)
        return true;
    for (int i = 0; i < w->nstatuses; i++)
        if (w->statuses[i] == c->last_status)
            return true;
    for (int i = 0; i < w->ncodes; i++)
        if (s3p_str_eq(w->codes[i], c->last_code))
            return true;
    return false;
}

static int step_when(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    return when_holds(c, &step->u.when) ? pc + 1 : step->target;
}

static int step_barrier(struct s3p_client *c, int pc)
{
    struct s3p_worker *w = c->w;
    int at = c->g->program.steps[pc].u.barrier;
    struct s3p_barrier *b = &w->e->barrier[at];
    uint64_t turn;
    s3p_client_connect(c); /* so that what follows the barrier is requests, not handshakes */
    if (s3p_client_ended(c))
        return S3P_END_STOPPED;
    c->paused = true;
    if (s3p_barrier_arrive(b, &turn)) {
        s3p_worker_opened(w, at);
        return pc + 1;
    }
    while (s3p_barrier_turn(b) == turn && !s3p_client_ended(c))
        if (s3p_waitq_wait(w->loop, &w->barrier_q[at], S3P_NEVER) == S3P_ECANCEL)
            break;
    if (!s3p_client_ended(c))
        return pc + 1;
    s3p_barrier_withdraw(b, turn);
    return S3P_END_STOPPED;
}

/* Full jitter: Brooker, "Exponential Backoff And Jitter", 2015. */
static int step_sleep(struct s3p_client *c, int pc)
{
    const struct s3p_sleep_step *s = &c->g->program.steps[pc].u.sleep;
    int64_t ns = s->base_ns;
    if (s->cap_ns != 0) {
        int64_t rounds = s->loop < 0 ? 0 : c->loop_count[s->loop];
        int shift = rounds < SHIFT_MAX ? (int)rounds : SHIFT_MAX;
        int64_t most = s->base_ns > s->cap_ns >> shift ? s->cap_ns : s->base_ns << shift;
        ns = (int64_t)s3p_rng_below(&c->rng, (uint64_t)most);
    }
    return ns == 0 || s3p_client_pause(c, s3p_now_ns() + ns) ? pc + 1 : S3P_END_STOPPED;
}

static int step_choose(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_choose_step *choose = &step->u.choose;
    struct s3p_chooser *chooser = c->w->chooser;
    struct s3p_slot *slot = &c->slots[step->slot];
    struct s3p_draw who = {.rng = &c->rng, .client = c->index, .own_next = c->own_next};
    uint64_t index;
    s3p_hold_release(chooser, &slot->hold);
    if (!s3p_choose(chooser, choose->space, choose->take, &who, &index))
        return S3P_END_NO_KEY;
    slot->bound = true;
    slot->key = (struct s3p_keyref){index, choose->space};
    bool taken = choose->take == S3P_TAKE_FRESH || choose->take == S3P_TAKE_ACKED;
    if (taken)
        slot->hold = (struct s3p_hold){
            .key = slot->key, .held = true, .was_acked = choose->take == S3P_TAKE_ACKED};
    return pc + 1;
}

/* The lender has the same number in its group; it is of this worker. */
static int step_borrow(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_group *g = &c->w->e->plan->group[step->u.borrow.group];
    struct s3p_slot *slot = &c->slots[step->slot];
    uint32_t member = c->index - (uint32_t)c->g->first_client;
    uint32_t lender = (uint32_t)g->first_client + member % (uint32_t)g->clients;
    const struct s3p_client *all = c->w->clients;
    int at = 0;
    while (all[at].index != lender)
        at++;
    s3p_hold_release(c->w->chooser, &slot->hold);
    return s3p_slot_borrow(slot, &all[at].slots[step->u.borrow.slot]) ? pc + 1 : S3P_END_NO_KEY;
}

static s3p_step_fn *const dispatch[S3P_STEP_KINDS] = {
    [S3P_STEP_END] = step_end,
    [S3P_STEP_OBJECT] = s3p_step_object,
    [S3P_STEP_COPY] = s3p_step_copy,
    [S3P_STEP_TAGS] = s3p_step_tags,
    [S3P_STEP_ATTRIBUTES] = s3p_step_attributes,
    [S3P_STEP_CREATE_UPLOAD] = s3p_step_create_upload,
    [S3P_STEP_UPLOAD_PART] = s3p_step_upload_part,
    [S3P_STEP_COMPLETE_UPLOAD] = s3p_step_complete_upload,
    [S3P_STEP_ABORT_UPLOAD] = s3p_step_abort_upload,
    [S3P_STEP_ABORT_UPLOADS] = s3p_step_abort_uploads,
    [S3P_STEP_DELETE_OBJECTS] = s3p_step_delete_objects,
    [S3P_STEP_LIST] = s3p_step_list,
    [S3P_STEP_BUCKET] = s3p_step_bucket,
    [S3P_STEP_LOOP_ENTER] = step_loop_enter,
    [S3P_STEP_LOOP_BACK] = step_loop_back,
    [S3P_STEP_WHEN] = step_when,
    [S3P_STEP_JUMP] = step_jump,
    [S3P_STEP_BARRIER] = step_barrier,
    [S3P_STEP_SLEEP] = step_sleep,
    [S3P_STEP_CHOOSE] = step_choose,
    [S3P_STEP_BORROW] = step_borrow,
};

enum s3p_run_end s3p_client_run(struct s3p_client *c)
{
    const struct s3p_program *prog = &c->g->program;
    int pc = 0;
    c->ambiguous_step = -1;
    c->stat->runs++;
    while (pc >= 0)
        pc = dispatch[prog->steps[pc].kind](c, pc);
    if (prog->lifecycle)
        s3p_slots_release(c->slots, prog->nslots, c->w->chooser);
    if (pc == S3P_END_NO_KEY) {
        c->stat->no_key++;
        return S3P_RUN_NO_KEY;
    }
    if (pc == S3P_END_STOPPED)
        return S3P_RUN_STOPPED;
    c->stat->runs_ok += !c->has_last || c->last == S3P_OK_OUTCOME;
    return S3P_RUN_DONE;
}
