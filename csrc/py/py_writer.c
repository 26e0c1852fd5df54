#include "py/state.h"

#include "history/json.h"
#include "history/writer.h"

/* A history that Python writes: the runners of other SDKs. */
struct s3p_py_writer {
    PyObject_HEAD struct s3p_py_state *st; /* the type keeps the module alive */
    pid_t pid; /* that may use it: the writer thread is not there in a forked child */
    int workers;

    /* guarded by mu, which is taken with the GIL released: its holder may wait for the disk */
    pthread_mutex_t mu;
    struct s3p_history *history; /* NULL: closed */
};

static bool usable(const struct s3p_py_writer *self)
{
    if (self->pid == getpid())
        return true;
    PyErr_SetString(PyExc_RuntimeError, "history writer used after fork");
    return false;
}

static PyObject *writer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", "header", "workers", NULL};
    PyObject *path = NULL, *header, *json;
    int workers = 1, rc;
    char *p;
    Py_ssize_t len;
    struct s3p_err err = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O|i:HistoryWriter", names,
                                     PyUnicode_FSConverter, &path, &header, &workers))
        return NULL;
    struct s3p_py_state *st = PyType_GetModuleState(type);
    json = s3p_py_json_bytes(st, header, "header");
    struct s3p_py_writer *self =
        json == NULL ? NULL : (struct s3p_py_writer *)PyType_GenericAlloc(type, 0);
    if (self != NULL) {
        self->st = st;
        self->pid = getpid();
        self->workers = workers;
        pthread_mutex_init(&self->mu, NULL);
        PyBytes_AsStringAndSize(json, &p, &len);
        Py_BEGIN_ALLOW_THREADS rc = s3p_history_create(&self->history, PyBytes_AsString(path), p,
                                                       (size_t)len, workers, &err);
        Py_END_ALLOW_THREADS if (rc == 0)
            atomic_fetch_add_explicit(&st->writers, 1, memory_order_relaxed);
        else s3p_py_raise(&err);
        if (rc != 0)
            Py_CLEAR(self);
    }
    Py_XDECREF(json);
    Py_DECREF(path);
    return (PyObject *)self;
}

static int writer_traverse(PyObject *o, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(o));
    return 0;
}

/* Idempotent. Runs with the GIL. */
static int close_history(struct s3p_py_writer *self, bool complete, struct s3p_err *err)
{
    int rc = 0;
    struct s3p_history *h;
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&self->mu);
    h = self->history;
    self->history = NULL;
    if (h != NULL)
        rc = s3p_history_close(h, complete, err);
    pthread_mutex_unlock(&self->mu);
    Py_END_ALLOW_THREADS if (h != NULL)
        atomic_fetch_sub_explicit(&self->st->writers, 1, memory_order_relaxed);
    return rc;
}

static void writer_dealloc(PyObject *o)
{
    struct s3p_py_writer *self = (struct s3p_py_writer *)o;
    PyTypeObject *type = Py_TYPE(o);
    PyObject_GC_UnTrack(o);
    if (self->pid ==
        getpid()) { /* in a forked child it leaks on purpose: the parent writes the file */
        close_history(self, false, NULL);
        pthread_mutex_destroy(&self->mu);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(o);
    Py_DECREF(type);
}

PyDoc_STRVAR(
    append_doc,
    "append($self, record, worker=0)\n--\n\n"
    "Appends an attempt: a dict or a JSON line, shaped as csrc/history/json.h says.\n\n"
    ">>> with HistoryWriter(path, {'format': 1}) as writer:\n"
    "...     writer.append({'op': 'put', 'outcome': 'ok', 'status': 200})\n"
    "...     writer.append('{\"op\": \"get\", \"outcome\": \"failed\", \"status\": 404}')\n"
    ">>> len(History(path))\n"
    "2\n");

static PyObject *writer_append(PyObject *o, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"record", "worker", NULL};
    struct s3p_py_writer *self = (struct s3p_py_writer *)o;
    struct s3p_err err = {0};
    PyObject *record;
    int worker = 0, rc;
    char *p;
    Py_ssize_t len;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|i:append", names, &record, &worker) ||
        !usable(self))
        return NULL;
    if (worker < 0 || worker >= self->workers) {
        PyErr_Format(PyExc_ValueError, "worker: %d, expected 0 to %d", worker, self->workers - 1);
        return NULL;
    }
    PyObject *json = s3p_py_json_bytes(self->st, record, "record");
    if (json == NULL || PyBytes_AsStringAndSize(json, &p, &len) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&self->mu);
    if (self->history != NULL)
        rc =
            s3p_record_from_json(s3p_history_appender(self->history, worker), p, (size_t)len, &err);
    else
        rc = s3p_fail(&err, S3P_EINVAL, 0, "history writer: it is closed");
    pthread_mutex_unlock(&self->mu);
    Py_END_ALLOW_THREADS Py_DECREF(json);
    if (rc != 0)
        return s3p_py_raise(&err);
    Py_RETURN_NONE;
}

static PyObject *close_as(struct s3p_py_writer *self, bool complete)
{
    struct s3p_err err = {0};
    if (!usable(self))
        return NULL;
    if (close_history(self, complete, &err) != 0)
        return s3p_py_raise(&err);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(close_doc,
             "close($self, complete=True)\n--\n\n"
             "Writes what is left and the footer; `complete`: whether the run ended by itself.\n\n"
             ">>> writer = HistoryWriter(path, '{\"format\": 1}')\n"
             ">>> writer.close(complete=False)\n"
             ">>> History(path).complete\n"
             "False\n");

static PyObject *writer_close(PyObject *o, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"complete", NULL};
    int complete = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p:close", names, &complete))
        return NULL;
    return close_as((struct s3p_py_writer *)o, complete != 0);
}

static PyObject *writer_enter(PyObject *o, PyObject *unused)
{
    (void)unused;
    return usable((struct s3p_py_writer *)o) ? Py_NewRef(o) : NULL;
}

/* An exception in the block means that the run was cut short. */
static PyObject *writer_exit(PyObject *o, PyObject *args)
{
    PyObject *type = Py_None, *value, *traceback;
    if (!PyArg_ParseTuple(args, "|OOO:__exit__", &type, &value, &traceback))
        return NULL;
    return close_as((struct s3p_py_writer *)o, type == Py_None);
}

static PyMethodDef methods[] = {
    {"append", (PyCFunction)(void (*)(void))writer_append, METH_VARARGS | METH_KEYWORDS,
     append_doc},
    {"close", (PyCFunction)(void (*)(void))writer_close, METH_VARARGS | METH_KEYWORDS, close_doc},
    {"__enter__", writer_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\n")},
    {"__exit__", writer_exit, METH_VARARGS, PyDoc_STR("__exit__($self, /, *args)\n--\n\n")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(
    writer_doc,
    "HistoryWriter(path, header, workers=1)\n--\n\n"
    "Writes a history file, which must not exist; for runners that are not the engine.\n\n"
    "`header`: a dict or JSON text (csrc/history/writer.h). Any thread may append.\n\n"
    ">>> writer = HistoryWriter(path, {'format': 1, 'buckets': [{'role': 'main'}]})\n"
    ">>> writer.append({'op': 'head_bucket', 'bucket': 'main', 'outcome': 'ok'})\n"
    ">>> writer.close()\n"
    ">>> History(path).record(0)['bucket']\n"
    "'main'\n");

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)(uintptr_t)writer_doc},
    {Py_tp_new, writer_new},
    {Py_tp_traverse, writer_traverse},
    {Py_tp_dealloc, writer_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "s3prod._native.HistoryWriter",
    .basicsize = sizeof(struct s3p_py_writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

int s3p_py_writer_init(PyObject *module, struct s3p_py_state *st)
{
    st->writer_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    return st->writer_type == NULL ? -1 : PyModule_AddType(module, st->writer_type);
}
