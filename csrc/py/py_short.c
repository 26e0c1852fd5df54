/* put_storm and cas_loop: what one line of a user's own test wants. Each is a plan and its check.
 */
#include "py/state.h"

#define PLAN_BYTES_MAX 8192

/* The plans are written with apostrophes for quotes; plan_text puts that right. */
#define MAKE "{'group': 'make', 'phase': 'setup', 'clients': 1, 'program': ["
#define REMOVE                                                                               \
    "{'group': 'remove', 'phase': 'teardown', 'clients': 1, 'program': ["                    \
    " {'repeat': {'until': 'ok', 'at_most': 100000}, 'do': [{'list': 'main', 'as': 'page'}," \
    "  {'delete_objects': 'page.keys'}, {'delete_bucket': 'main'}]}]}"

/* seed, puts, clients, runs a client, size */
static const char storm_plan[] =
    "{'name': 'put-storm', 'seed': %llu, 'buckets': ['main'], 'spaces': {'objects':"
    " {'kind': 'sequence', 'bucket': 'main', 'prefix': 'storm/', 'count': %d}},"
    "'groups': [" MAKE "{'create_bucket': 'main'}]},"
    "{'group': 'storm', 'clients': %d, 'arrival': {'closed': {'times': %d}}, 'program': ["
    " {'choose': 'objects', 'as': 'k'}, {'put': 'k.key', 'body': {'bytes': %llu}},"
    " {'get': 'k.key'}]}," REMOVE "]}";

/* seed, clients, commits */
static const char cas_plan[] =
    "{'name': 'cas-loop', 'seed': %llu, 'buckets': ['main'],"
    "'groups': [" MAKE "{'create_bucket': 'main'},"
    " {'put': 'counter.json', 'if_none_match': '*', 'body': {'counter': 0}}]},"
    "{'group': 'incrementers', 'clients': %d, 'program': [{'barrier': 'start'},"
    " {'repeat': %d, 'do': [{'repeat': {'until': 'ok', 'at_most': 1000}, 'do': ["
    "  {'get': 'counter.json', 'as': 'seen'},"
    "  {'put': 'counter.json', 'if_match': 'seen.etag', 'body': {'counter': 'seen.counter + 1'}},"
    "  {'when': [409, 412], 'do': [{'sleep': {'full_jitter_ms': [1, 64]}}]}]}]}]}," REMOVE "]}";

/* New reference: bytes. */
static PyObject *plan_text(char *plan)
{
    for (char *p = plan; *p != 0; p++)
        if (*p == '\'')
            *p = '"';
    return PyBytes_FromString(plan);
}

/* A fresh folder as bytes: a history must not exist yet. */
static PyObject *temporary_folder(void)
{
    PyObject *module = PyImport_ImportModule("tempfile"), *bytes = NULL;
    PyObject *name =
        module == NULL ? NULL : PyObject_CallMethod(module, "mkdtemp", "ss", "", "s3prod-");
    if (name != NULL && !PyUnicode_FSConverter(name, &bytes))
        bytes = NULL;
    Py_XDECREF(module);
    Py_XDECREF(name);
    return bytes;
}

static PyObject *run_and_check(struct s3p_py_state *st, PyObject *plan, PyObject *target,
                               PyObject *path)
{
    struct s3p_py_run_args a = {
        .plan = plan, .target = target, .history = path, .histograms = true};
    PyObject *metrics = s3p_py_run(st, &a);
    if (metrics == NULL)
        return NULL;
    PyObject *verdict = s3p_py_check(st, PyBytes_AsString(path), NULL, 0, 0, 0);
    PyObject *out =
        verdict == NULL ? NULL : Py_BuildValue("{s:O,s:O}", "metrics", metrics, "verdict", verdict);
    Py_XDECREF(verdict);
    Py_DECREF(metrics);
    return out;
}

/* Takes the reference to `plan`. */
static PyObject *carry_out(struct s3p_py_state *st, PyObject *plan, PyObject *target)
{
    PyObject *target_json = plan == NULL ? NULL : s3p_py_json_bytes(st, target, "target");
    PyObject *folder = target_json == NULL ? NULL : temporary_folder(), *out = NULL;
    if (folder != NULL) {
        PyObject *path = PyBytes_FromFormat("%s/history.s3ph", PyBytes_AsString(folder));
        if (path != NULL) {
            out = run_and_check(st, plan, target_json, path);
            unlink(PyBytes_AsString(path));
        }
        rmdir(PyBytes_AsString(folder));
        Py_XDECREF(path);
    }
    Py_XDECREF(folder);
    Py_XDECREF(target_json);
    Py_XDECREF(plan);
    return out;
}

static bool in_range(const char *name, long long value, long long most)
{
    if (value >= 1 && value <= most)
        return true;
    PyErr_Format(PyExc_ValueError, "%s: %lld, expected 1 to %lld", name, value, most);
    return false;
}

PyDoc_STRVAR(
    put_storm_doc,
    "put_storm(target, *, clients=32, puts=1000, size=1024, seed=1)\n--\n\n"
    "Puts `puts` objects by so many clients at once, reads each back, lists and removes them, and\n"
    "judges what the store answered.\n\n"
    "Gives {'metrics': …, 'verdict': …}. The bucket is fresh and removed afterwards.\n\n"
    ">>> result = put_storm(target, clients=8, puts=100)\n"
    ">>> result['metrics']['ops']['put']['ok']\n"
    "100\n"
    ">>> result['verdict']['consistency']\n"
    "'held'\n");

static PyObject *put_storm(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"target", "clients", "puts", "size", "seed", NULL};
    PyObject *target;
    int clients = 32, puts = 1000;
    unsigned long long seed = 1;
    long long size = 1024;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$iiLK:put_storm", names, &target, &clients,
                                     &puts, &size, &seed))
        return NULL;
    if (!in_range("clients", clients, 100000) || !in_range("puts", puts, 100000000) ||
        !in_range("size", size, 5LL << 30))
        return NULL;
    char plan[PLAN_BYTES_MAX];
    PyOS_snprintf(plan, sizeof plan, storm_plan, seed, puts, clients, (puts - 1) / clients + 1,
                  (unsigned long long)size);
    return carry_out(s3p_py_state_of(module), plan_text(plan), target);
}

PyDoc_STRVAR(
    cas_loop_doc,
    "cas_loop(target, *, clients=8, commits=20, seed=1)\n--\n\n"
    "Has clients increment one counter by compare-and-swap, `commits` times each; judges it.\n\n"
    "Gives {'metrics': …, 'verdict': …}: no increment may be lost, each ETag is replaced once.\n\n"
    ">>> result = cas_loop(target, clients=4, commits=5)\n"
    ">>> result['metrics']['groups']['incrementers']['exhausted']\n"
    "0\n"
    ">>> result['verdict']['consistency']\n"
    "'held'\n");

static PyObject *cas_loop(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"target", "clients", "commits", "seed", NULL};
    PyObject *target;
    int clients = 8, commits = 20;
    unsigned long long seed = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$iiK:cas_loop", names, &target, &clients,
                                     &commits, &seed))
        return NULL;
    if (!in_range("clients", clients, 100000) || !in_range("commits", commits, 1000000))
        return NULL;
    char plan[PLAN_BYTES_MAX];
    PyOS_snprintf(plan, sizeof plan, cas_plan, seed, clients, commits);
    return carry_out(s3p_py_state_of(module), plan_text(plan), target);
}

static PyMethodDef functions[] = {
    {"put_storm", (PyCFunction)(void (*)(void))put_storm, METH_VARARGS | METH_KEYWORDS,
     put_storm_doc},
    {"cas_loop", (PyCFunction)(void (*)(void))cas_loop, METH_VARARGS | METH_KEYWORDS, cas_loop_doc},
    {NULL, NULL, 0, NULL},
};

int s3p_py_short_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
