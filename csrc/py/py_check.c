#include "py/state.h"

#include "check/check.h"

#define VERDICT_BYTES_MAX (256u << 20)

PyObject *s3p_py_check(struct s3p_py_state *st, const char *path, const char *profile, int threads,
                       unsigned long long memory_bytes, int max_witnesses)
{
    struct s3p_check_opts o = {.threads = threads,
                               .memory_bytes = memory_bytes,
                               .profile_json = profile,
                               .max_witnesses = max_witnesses};
    struct s3p_err err = {0};
    struct s3p_verdict *v = NULL;
    struct s3p_buf json;
    int rc;
    s3p_buf_init(&json, VERDICT_BYTES_MAX);
    Py_BEGIN_ALLOW_THREADS rc = s3p_check_file(&v, path, &o, &err);
    if (rc == 0)
        s3p_verdict_json(v, &json);
    s3p_verdict_free(v);
    Py_END_ALLOW_THREADS if (rc != 0)
    {
        s3p_buf_free(&json);
        return s3p_py_raise(&err);
    }
    return s3p_py_json_load(st, &json);
}

PyDoc_STRVAR(
    check_doc,
    "check(history, *, profile=None, threads=0, memory_bytes=0, max_witnesses=0)\n--\n\n"
    "Judges a recorded history and gives the verdict.\n\n"
    "`profile`: what the store promises (a dict or JSON text); None: the one in the history.\n"
    "0 means the checker's default: one thread, 1 GiB, 20 witnesses.\n\n"
    ">>> header = {'format': 1, 'run': '0123456789ab', 'buckets': [{'role': 'main'}]}\n"
    ">>> with HistoryWriter(path, header) as writer:\n"
    "...     writer.append({'op': 'head_bucket', 'outcome': 'ok'})\n"
    ">>> verdict = check(path)\n"
    ">>> verdict['attempts'], verdict['violations']\n"
    "(1, 0)\n");

static PyObject *check(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"history", "profile", "threads", "memory_bytes", "max_witnesses", NULL};
    struct s3p_py_state *st = s3p_py_state_of(module);
    PyObject *path = NULL, *profile = Py_None, *json = NULL, *out = NULL;
    int threads = 0, max_witnesses = 0;
    unsigned long long memory_bytes = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|$OiKi:check", names, PyUnicode_FSConverter,
                                     &path, &profile, &threads, &memory_bytes, &max_witnesses))
        return NULL;
    if (profile != Py_None)
        json = s3p_py_json_bytes(st, profile, "profile");
    if (profile == Py_None || json != NULL)
        out = s3p_py_check(st, PyBytes_AsString(path), json == NULL ? NULL : PyBytes_AsString(json),
                           threads, memory_bytes, max_witnesses);
    Py_XDECREF(json);
    Py_DECREF(path);
    return out;
}

static PyMethodDef functions[] = {
    {"check", (PyCFunction)(void (*)(void))check, METH_VARARGS | METH_KEYWORDS, check_doc},
    {NULL, NULL, 0, NULL},
};

int s3p_py_check_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
