#include "py/state.h"

#include <string.h>

#include "history/arrow.h"
#include "history/json.h"

#define RECORD_BYTES_MAX (64u << 20)

/* A history file for reading. The file is read-only memory, so it may be used after fork. */
struct s3p_py_history {
    PyObject_HEAD struct s3p_py_state *st; /* the type keeps the module alive */
    PyObject *path;

    /* guarded by mu */
    pthread_mutex_t mu;
    struct s3p_histfile *file; /* NULL: closed */
    struct s3p_keynames *keynames;
};

/* What a method works with while another thread may close: a hold on the file; NULL with ValueError
 * when closed. */
static struct s3p_histfile *hold(struct s3p_py_history *self)
{
    pthread_mutex_lock(&self->mu);
    struct s3p_histfile *f = self->file != NULL ? s3p_histfile_hold(self->file) : NULL;
    pthread_mutex_unlock(&self->mu);
    if (f == NULL)
        PyErr_SetString(PyExc_ValueError, "history: it is closed");
    return f;
}

static void close_file(struct s3p_py_history *self)
{
    pthread_mutex_lock(&self->mu);
    struct s3p_histfile *f = self->file;
    self->file = NULL;
    pthread_mutex_unlock(&self->mu);
    if (f != NULL)
        atomic_fetch_sub_explicit(&self->st->histories, 1, memory_order_relaxed);
    s3p_histfile_close(f);
}

static int open_file(struct s3p_py_history *self, const char *path)
{
    struct s3p_err err = {0};
    int rc;
    Py_BEGIN_ALLOW_THREADS rc = s3p_histfile_open(&self->file, path, true, &err);
    if (rc == 0)
        rc = s3p_keynames_create(&self->keynames, s3p_histfile_header(self->file), &err);
    Py_END_ALLOW_THREADS if (self->file != NULL)
        atomic_fetch_add_explicit(&self->st->histories, 1, memory_order_relaxed);
    if (rc != 0)
        s3p_py_raise(&err);
    return rc;
}

static PyObject *history_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", NULL};
    PyObject *path = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&:History", names, PyUnicode_FSConverter,
                                     &path))
        return NULL;
    struct s3p_py_history *self = (struct s3p_py_history *)PyType_GenericAlloc(type, 0);
    if (self != NULL) {
        self->st = PyType_GetModuleState(type);
        pthread_mutex_init(&self->mu, NULL);
        self->path = PyUnicode_DecodeFSDefault(PyBytes_AsString(path));
        if (self->path == NULL || open_file(self, PyBytes_AsString(path)) != 0)
            Py_CLEAR(self);
    }
    Py_DECREF(path);
    return (PyObject *)self;
}

static int history_traverse(PyObject *o, visitproc visit, void *arg)
{
    struct s3p_py_history *self = (struct s3p_py_history *)o;
    Py_VISIT(Py_TYPE(o));
    Py_VISIT(self->path);
    return 0;
}

static int history_clear(PyObject *o)
{
    Py_CLEAR(((struct s3p_py_history *)o)->path);
    return 0;
}

static void history_dealloc(PyObject *o)
{
    struct s3p_py_history *self = (struct s3p_py_history *)o;
    PyTypeObject *type = Py_TYPE(o);
    PyObject_GC_UnTrack(o);
    close_file(self);
    s3p_keynames_free(self->keynames);
    pthread_mutex_destroy(&self->mu);
    history_clear(o);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(o);
    Py_DECREF(type);
}

static PyObject *history_repr(PyObject *o)
{
    struct s3p_py_history *self = (struct s3p_py_history *)o;
    pthread_mutex_lock(&self->mu);
    const char *state = self->file == NULL ? " closed" : "";
    pthread_mutex_unlock(&self->mu);
    return PyUnicode_FromFormat("<s3prod History %R%s>", self->path, state);
}

static Py_ssize_t history_length(PyObject *o)
{
    struct s3p_histfile *f = hold((struct s3p_py_history *)o);
    if (f == NULL)
        return -1;
    uint64_t n = s3p_histfile_records(f);
    s3p_histfile_close(f);
    return (Py_ssize_t)n;
}

static PyObject *history_item(PyObject *o, Py_ssize_t i)
{
    struct s3p_py_history *self = (struct s3p_py_history *)o;
    struct s3p_histfile *f = hold(self);
    if (f == NULL)
        return NULL;
    PyObject *out = NULL;
    if (i < 0 || (uint64_t)i >= s3p_histfile_records(f)) {
        PyErr_Format(PyExc_IndexError, "record %zd of %llu", i,
                     (unsigned long long)s3p_histfile_records(f));
    } else {
        uint32_t at;
        const struct s3p_segment_view *s = s3p_histfile_find(f, (uint64_t)i, &at);
        struct s3p_buf json;
        s3p_buf_init(&json, RECORD_BYTES_MAX);
        s3p_record_json(s, at, self->keynames, &json);
        out = s3p_py_json_load(self->st, &json);
    }
    s3p_histfile_close(f);
    return out;
}

PyDoc_STRVAR(record_doc,
             "record($self, index, /)\n--\n\n"
             "The attempt of that number as a dict, shaped as csrc/history/json.h says.\n\n"
             ">>> with History(path) as history:\n"
             "...     history.record(0)['op']\n"
             "'put'\n");

static PyObject *history_record(PyObject *o, PyObject *index)
{
    Py_ssize_t i = PyNumber_AsSsize_t(index, PyExc_IndexError);
    return i == -1 && PyErr_Occurred() ? NULL : history_item(o, i);
}

static PyObject *history_iter(PyObject *o)
{
    return PySeqIter_New(o);
}

static PyObject *history_header(PyObject *o, void *closure)
{
    (void)closure;
    struct s3p_py_history *self = (struct s3p_py_history *)o;
    struct s3p_histfile *f = hold(self);
    if (f == NULL)
        return NULL;
    struct s3p_str json = s3p_histfile_header(f);
    PyObject *text = PyUnicode_DecodeUTF8(json.p, (Py_ssize_t)json.len, "replace");
    s3p_histfile_close(f);
    PyObject *out =
        text == NULL ? NULL : PyObject_CallFunctionObjArgs(self->st->json_loads, text, NULL);
    Py_XDECREF(text);
    return out;
}

static PyObject *history_complete(PyObject *o, void *closure)
{
    (void)closure;
    struct s3p_histfile *f = hold((struct s3p_py_history *)o);
    if (f == NULL)
        return NULL;
    bool complete = s3p_histfile_complete(f);
    s3p_histfile_close(f);
    return PyBool_FromLong(complete);
}

/* ---- Arrow: the capsule is made around an empty struct first, so that nothing leaks when filling
 * fails ---- */

#define CAPSULE_NAME "arrow_array_stream"

static void release_capsule(PyObject *capsule)
{
    struct ArrowArrayStream *s = PyCapsule_GetPointer(capsule, CAPSULE_NAME);
    if (s == NULL) {
        PyErr_WriteUnraisable(capsule);
        return;
    }
    if (s->release != NULL) /* NULL: a consumer moved it out */
        s->release(s);
    PyMem_Free(s);
}

static PyObject *make_capsule(struct s3p_py_history *self,
                              int (*fill)(struct ArrowArrayStream *, struct s3p_histfile *,
                                          struct s3p_err *))
{
    struct s3p_err err = {0};
    struct s3p_histfile *f = hold(self);
    if (f == NULL)
        return NULL;
    struct ArrowArrayStream *s = PyMem_Calloc(1, sizeof *s);
    PyObject *capsule =
        s == NULL ? PyErr_NoMemory() : PyCapsule_New(s, CAPSULE_NAME, release_capsule);
    if (capsule == NULL) {
        PyMem_Free(s);
    } else if (fill(s, f, &err) != 0) {
        Py_CLEAR(capsule);
        s3p_py_raise(&err);
    }
    s3p_histfile_close(f);
    return capsule;
}

PyDoc_STRVAR(
    stream_doc,
    "__arrow_c_stream__($self, requested_schema=None)\n--\n\n"
    "The columns as an Arrow stream, not copied; enums as numbers, their names in the metadata.\n\n"
    "Whatever schema is asked for, the answer has the file's own. The stream keeps the file\n"
    "open.\n\n"
    ">>> import pyarrow\n"
    ">>> with History(path) as history:\n"
    "...     pyarrow.RecordBatchReader.from_stream(history).read_all().num_rows\n"
    "2\n");

static PyObject *history_stream(PyObject *o, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"requested_schema", NULL};
    PyObject *requested = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:__arrow_c_stream__", names, &requested))
        return NULL;
    if (requested != Py_None && !PyCapsule_IsValid(requested, "arrow_schema")) {
        PyErr_SetString(PyExc_TypeError,
                        "requested_schema: a capsule of an ArrowSchema or None is expected");
        return NULL;
    }
    return make_capsule((struct s3p_py_history *)o, s3p_histfile_stream);
}

PyDoc_STRVAR(text_stream_doc,
             "_text_stream($self)\n--\n\n"
             "A capsule with the Arrow stream of keys and texts, row by row beside the columns.\n\n"
             ">>> with History(path) as history:\n"
             "...     type(history._text_stream()).__name__\n"
             "'PyCapsule'\n");

static PyObject *history_text_stream(PyObject *o, PyObject *unused)
{
    (void)unused;
    return make_capsule((struct s3p_py_history *)o, s3p_histfile_text_stream);
}

/* ---- columns ---- */

/* The column of that name, or -1 with ValueError. */
static int find_column(const char *name)
{
    for (int c = 0; c < S3P_COLUMN_COUNT; c++)
        if (strcmp(s3p_column_table[c].name, name) == 0)
            return c;
    PyErr_Format(PyExc_ValueError, "column: %s, expected a name of csrc/history/record.h", name);
    return -1;
}

/* The code that struct and memoryview have for an Arrow format; "B" for 16-byte ids. */
static const char *struct_code(const char *arrow)
{
    static const char *const code[] = {"c", "b", "C", "B", "s", "h", "S", "H", "i", "i", "I", "I",
                                       "l", "q", "L", "Q", "f", "f", "g", "d", NULL};
    for (int i = 0; code[i] != NULL; i += 2)
        if (strcmp(code[i], arrow) == 0)
            return code[i + 1];
    return "B";
}

/* A bytes object with the column of all segments, one after the other. */
static PyObject *column_bytes(const struct s3p_histfile *f, int c)
{
    size_t width = s3p_column_table[c].width;
    PyObject *bytes =
        PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(s3p_histfile_records(f) * width));
    char *at = bytes == NULL ? NULL : PyBytes_AsString(bytes);
    for (uint32_t i = 0; at != NULL && i < s3p_histfile_segments(f); i++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, i);
        memcpy(at, s->column[c], s->records * width);
        at += s->records * width;
    }
    return bytes;
}

PyDoc_STRVAR(column_doc,
             "column($self, name, /)\n--\n\n"
             "A copy of a column, one value an attempt, as a memoryview; enums as numbers, see\n"
             "`names`; 16 bytes an attempt for ids.\n\n"
             ">>> with History(path) as history:\n"
             "...     list(history.column('op'))\n"
             "[1, 2]\n");

static PyObject *history_column(PyObject *o, PyObject *name)
{
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    int c = text == NULL ? -1 : find_column(text);
    struct s3p_histfile *f = c < 0 ? NULL : hold((struct s3p_py_history *)o);
    if (f == NULL)
        return NULL;
    PyObject *bytes = column_bytes(f, c);
    s3p_histfile_close(f);
    PyObject *view = bytes == NULL ? NULL : PyMemoryView_FromObject(bytes);
    Py_XDECREF(bytes);
    if (view == NULL)
        return NULL;
    PyObject *cast =
        PyObject_CallMethod(view, "cast", "s", struct_code(s3p_column_table[c].format));
    Py_DECREF(view);
    return cast;
}

PyDoc_STRVAR(names_doc, "names(column, /)\n--\n\n"
                        "What the numbers of an enum's column, or the bits of flags, mean.\n\n"
                        ">>> History.names('outcome')\n"
                        "('failed', 'ok', 'unknown')\n");

static PyObject *history_names(PyObject *type, PyObject *column)
{
    (void)type;
    const char *text = PyUnicode_AsUTF8AndSize(column, NULL);
    int c = text == NULL ? -1 : find_column(text);
    if (c < 0)
        return NULL;
    const struct s3p_column_sense *sense = &s3p_column_sense_table[c];
    PyObject *out = PyTuple_New(sense->values);
    for (unsigned v = 0; out != NULL && v < sense->values; v++) {
        PyObject *value = PyUnicode_FromString(sense->value_name(v));
        if (value == NULL || PyTuple_SetItem(out, v, value) != 0)
            Py_CLEAR(out);
    }
    return out;
}

PyDoc_STRVAR(close_doc, "close($self)\n--\n\n"
                        "Closes the file; streams that were taken go on. Closing twice is fine.\n\n"
                        ">>> history = History(path)\n"
                        ">>> history.close()\n"
                        ">>> history\n"
                        "<s3prod History ... closed>\n");

static PyObject *history_close(PyObject *o, PyObject *unused)
{
    (void)unused;
    close_file((struct s3p_py_history *)o);
    Py_RETURN_NONE;
}

static PyObject *history_enter(PyObject *o, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(o);
}

static PyObject *history_exit(PyObject *o, PyObject *args)
{
    (void)args;
    close_file((struct s3p_py_history *)o);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"record", history_record, METH_O, record_doc},
    {"column", history_column, METH_O, column_doc},
    {"names", history_names, METH_O | METH_STATIC, names_doc},
    {"close", history_close, METH_NOARGS, close_doc},
    {"__arrow_c_stream__", (PyCFunction)(void (*)(void))history_stream,
     METH_VARARGS | METH_KEYWORDS, stream_doc},
    {"_text_stream", history_text_stream, METH_NOARGS, text_stream_doc},
    {"__enter__", history_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\n")},
    {"__exit__", history_exit, METH_VARARGS, PyDoc_STR("__exit__($self, /, *args)\n--\n\n")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"header", history_header, NULL,
     PyDoc_STR("The header: run, seed, plan, profile, buckets, spaces, …"), NULL},
    {"complete", history_complete, NULL,
     PyDoc_STR("Whether the run ended by itself and nothing is missing."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(history_doc,
             "History(path)\n--\n\n"
             "A history file for reading: a sequence of attempts, and an Arrow stream.\n\n"
             "One of a killed run is readable up to its last whole segment.\n\n"
             ">>> with History(path) as history:\n"
             "...     [record['op'] for record in history], len(history), history.complete\n"
             "(['put', 'get'], 2, True)\n");

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)(uintptr_t)history_doc},
    {Py_tp_new, history_new},
    {Py_tp_traverse, history_traverse},
    {Py_tp_clear, history_clear},
    {Py_tp_dealloc, history_dealloc},
    {Py_tp_repr, history_repr},
    {Py_tp_iter, history_iter},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_sq_length, history_length},
    {Py_sq_item, history_item},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "s3prod._native.History",
    .basicsize = sizeof(struct s3p_py_history),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

int s3p_py_history_init(PyObject *module, struct s3p_py_state *st)
{
    st->history_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    return st->history_type == NULL ? -1 : PyModule_AddType(module, st->history_type);
}
