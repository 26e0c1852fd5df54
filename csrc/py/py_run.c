#include "py/state.h"

#include <errno.h>
#include <time.h>

#include "core/clock.h"
#include "engine/engine.h"

#define METRICS_BYTES_MAX (256u << 20)
#define WAIT_NS (50 * S3P_MS) /* how late a signal may be seen */
#define PROGRESS_NS (500 * S3P_MS)
#define EXIT_PATIENCE_NS (5 * S3P_S)

/* On the stack of run(), linked into the module state while the engine runs. */
struct s3p_py_engine {
    struct s3p_engine *engine;
    pid_t pid;
    bool ended; /* guarded by the state's mu: it is being finished, and no longer to be stopped */
    struct s3p_py_engine *next;
};

static void enlist(struct s3p_py_state *st, struct s3p_py_engine *e)
{
    pthread_mutex_lock(&st->mu);
    e->next = st->running;
    st->running = e;
    pthread_mutex_unlock(&st->mu);
}

static void delist(struct s3p_py_state *st, struct s3p_py_engine *e)
{
    pthread_mutex_lock(&st->mu);
    for (struct s3p_py_engine **at = &st->running; *at != NULL; at = &(*at)->next) {
        if (*at == e) {
            *at = e->next;
            break;
        }
    }
    pthread_mutex_unlock(&st->mu);
}

static int call_progress(struct s3p_engine *engine, PyObject *progress)
{
    struct s3p_progress p;
    s3p_engine_progress(engine, &p);
    PyObject *now = Py_BuildValue(
        "{s:i,s:L,s:K,s:K,s:K,s:K,s:K,s:K,s:K}", "phase", p.phase, "elapsed_ns",
        (long long)p.elapsed_ns, "attempts", (unsigned long long)p.attempts, "ok",
        (unsigned long long)p.ok, "failed", (unsigned long long)p.failed, "unknown",
        (unsigned long long)p.unknown, "in_flight", (unsigned long long)p.in_flight, "bytes_out",
        (unsigned long long)p.bytes_out, "bytes_in", (unsigned long long)p.bytes_in);
    if (now == NULL)
        return -1;
    PyObject *result = PyObject_CallFunctionObjArgs(progress, now, NULL);
    Py_DECREF(now);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Waits for the end with the GIL released. The first exception (of a signal handler or of
 * `progress`) stops the run; then nothing of Python is called until the workers have ended. False
 * when this is another process now. */
static bool wait_for_end(const struct s3p_py_engine *e, PyObject *progress)
{
    bool stopped = false;
    int64_t shown_ns = s3p_now_ns();
    for (;;) {
        int ended;
        Py_BEGIN_ALLOW_THREADS ended = s3p_engine_wait(e->engine, WAIT_NS);
        Py_END_ALLOW_THREADS if (ended) return true;
        if (stopped)
            continue;
        bool failed = PyErr_CheckSignals() < 0;
        if (!failed && progress != NULL && s3p_now_ns() - shown_ns >= PROGRESS_NS) {
            failed = call_progress(e->engine, progress) < 0;
            shown_ns = s3p_now_ns();
        }
        if (e->pid != getpid()) { /* a handler or `progress` forked and returned in the child */
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_RuntimeError, "engine used after fork");
            return false;
        }
        if (failed) {
            s3p_engine_stop(e->engine);
            stopped = true;
        }
    }
}

static int start(struct s3p_py_engine *e, const struct s3p_engine_opts *o, struct s3p_err *err)
{
    int rc;
    Py_BEGIN_ALLOW_THREADS rc = s3p_engine_create(&e->engine, o, err);
    if (rc == 0)
        rc = s3p_engine_start(e->engine, err);
    Py_END_ALLOW_THREADS return rc;
}

/* What is known of a run that an exception ended, as its attribute `metrics`: the buckets that are
 * left behind, above all. An exception that takes no attribute is raised without. */
static void attach_metrics(struct s3p_py_state *st, struct s3p_buf *metrics)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *document = s3p_py_json_load(st, metrics);
    if (document == NULL || PyObject_SetAttrString(value, "metrics", document) < 0)
        PyErr_Clear();
    Py_XDECREF(document);
    PyErr_Restore(type, value, trace);
}

static PyObject *run_engine(struct s3p_py_state *st, struct s3p_py_engine *e, PyObject *progress)
{
    struct s3p_err err = {0};
    struct s3p_buf metrics;
    int rc;
    bool ours = wait_for_end(e, progress);
    pthread_mutex_lock(&st->mu);
    e->ended = true;
    pthread_mutex_unlock(&st->mu);
    if (!ours) {
        e->engine = NULL; /* the parent's: left alone on purpose, its sockets are shared */
        return NULL;
    }
    s3p_buf_init(&metrics, METRICS_BYTES_MAX);
    Py_BEGIN_ALLOW_THREADS rc = s3p_engine_finish(e->engine, &metrics, &err);
    Py_END_ALLOW_THREADS if (PyErr_Occurred() || rc != 0)
    {
        if (rc == 0)
            attach_metrics(st, &metrics); /* frees the buffer */
        else
            s3p_buf_free(&metrics);
        return PyErr_Occurred() ? NULL : s3p_py_raise(&err);
    }
    return s3p_py_json_load(st, &metrics);
}

PyObject *s3p_py_run(struct s3p_py_state *st, const struct s3p_py_run_args *a)
{
    struct s3p_engine_opts o = {.histograms = a->histograms};
    struct s3p_py_engine e = {.pid = getpid()};
    struct s3p_err err = {0};
    char *plan, *target, *path = NULL;
    Py_ssize_t plan_len, target_len;
    if (PyBytes_AsStringAndSize(a->plan, &plan, &plan_len) < 0 ||
        PyBytes_AsStringAndSize(a->target, &target, &target_len) < 0 ||
        (a->history != NULL && PyBytes_AsStringAndSize(a->history, &path, NULL) < 0))
        return NULL;
    o.plan_json = plan;
    o.plan_len = (size_t)plan_len;
    o.target_json = target;
    o.target_len = (size_t)target_len;
    o.history_path = path;
    atomic_fetch_add_explicit(&st->engines, 1, memory_order_relaxed);
    PyObject *out = NULL;
    if (start(&e, &o, &err) == 0) {
        enlist(st, &e);
        out = run_engine(st, &e, a->progress);
        delist(st, &e);
    } else {
        s3p_py_raise(&err);
    }
    Py_BEGIN_ALLOW_THREADS s3p_engine_free(e.engine);
    Py_END_ALLOW_THREADS atomic_fetch_sub_explicit(&st->engines, 1, memory_order_relaxed);
    return out;
}

PyDoc_STRVAR(
    run_doc,
    "run(plan, target, *, history=None, progress=None, histograms=True)\n--\n\n"
    "Carries a plan out and gives its metrics.\n\n"
    "`plan` and `target`: a dict, a JSON text, or an object with to_json(). `history`: the file\n"
    "to write, which must not exist. `progress`: called with a dict about twice a second. Ctrl-C\n"
    "closes the sockets at once, records what was in flight as unknown, and keeps the history;\n"
    "the exception has what is known so far as its attribute `metrics`.\n\n"
    ">>> plan = {'name': 'one', 'buckets': ['main'], 'groups': [\n"
    "...     {'group': 'make', 'clients': 1, 'program': [{'create_bucket': 'main'},\n"
    "...      {'put': 'a'}, {'get': 'a'}, {'delete': 'a'}, {'delete_bucket': 'main'}]}]}\n"
    ">>> run(plan, target)['ops']['get']['ok']\n"
    "1\n");

static PyObject *run(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"plan", "target", "history", "progress", "histograms", NULL};
    struct s3p_py_state *st = s3p_py_state_of(module);
    PyObject *plan, *target, *history = Py_None, *progress = Py_None, *out = NULL;
    int histograms = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$OOp:run", names, &plan, &target, &history,
                                     &progress, &histograms))
        return NULL;
    if (progress != Py_None && !PyCallable_Check(progress)) {
        PyErr_SetString(PyExc_TypeError, "progress: a callable or None is expected");
        return NULL;
    }
    struct s3p_py_run_args a = {.progress = progress == Py_None ? NULL : progress,
                                .histograms = histograms != 0};
    a.plan = s3p_py_json_bytes(st, plan, "plan");
    a.target = a.plan == NULL ? NULL : s3p_py_json_bytes(st, target, "target");
    if (a.target != NULL && (history == Py_None || PyUnicode_FSConverter(history, &a.history)))
        out = s3p_py_run(st, &a);
    Py_XDECREF(a.plan);
    Py_XDECREF(a.target);
    Py_XDECREF(a.history);
    return out;
}

/* Stops what still runs (in daemon threads) before the interpreter goes, and lets those threads
 * finish their histories. */
static PyObject *stop_all(PyObject *module, PyObject *unused)
{
    (void)unused;
    struct s3p_py_state *st = s3p_py_state_of(module);
    bool some = true;
    int64_t until_ns = s3p_now_ns() + EXIT_PATIENCE_NS;
    while (some && s3p_now_ns() < until_ns) {
        some = false;
        pthread_mutex_lock(&st->mu);
        for (struct s3p_py_engine *e = st->running; e != NULL; e = e->next) {
            if (e->pid != getpid())
                continue;
            if (!e->ended)
                s3p_engine_stop(e->engine);
            some = true;
        }
        pthread_mutex_unlock(&st->mu);
        struct timespec pause = {0, 10 * S3P_MS};
        Py_BEGIN_ALLOW_THREADS if (some) nanosleep(&pause, NULL);
        Py_END_ALLOW_THREADS
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"run", (PyCFunction)(void (*)(void))run, METH_VARARGS | METH_KEYWORDS, run_doc},
    {"_stop_all", stop_all, METH_NOARGS,
     PyDoc_STR("_stop_all()\n--\n\nStops running engines; an atexit hook.")},
    {NULL, NULL, 0, NULL},
};

int s3p_py_run_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    if (PyModule_AddFunctions(module, functions) < 0)
        return -1;
    PyObject *hook = PyObject_GetAttrString(module, "_stop_all"),
             *atexit = PyImport_ImportModule("atexit");
    PyObject *done =
        hook != NULL && atexit != NULL ? PyObject_CallMethod(atexit, "register", "O", hook) : NULL;
    Py_XDECREF(hook);
    Py_XDECREF(atexit);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}
