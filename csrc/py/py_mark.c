/* What a fault proxy says of keys and answers, joined into a history. */
#include "py/state.h"

#include "core/alloc.h"
#include "history/mark.h"

PyDoc_STRVAR(mark_doc,
             "mark(history, marks, /)\n--\n\n"
             "Gives every record of these keys flags that make the checker leave the keys out.\n"
             "`marks`: a list of (index of the bucket, key as bytes, flags as a number). With the\n"
             "flag `surplus` (128) the name is the request id of an answer, which loses the flag.\n"
             "Returns how many records were changed.\n\n"
             ">>> with HistoryWriter(path, {'format': 1, 'run': '0123456789ab'}) as writer:\n"
             "...     writer.append({'op': 'head_bucket', 'outcome': 'ok'})\n"
             ">>> mark(path, [(0, b'a', 8)])\n"
             "0\n");

static int take_marks(PyObject *list, struct s3p_mark *marks)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        Py_ssize_t len;
        if (!PyTuple_Check(PyList_GET_ITEM(list, i))) {
            PyErr_SetString(PyExc_TypeError, "marks: expected tuples of bucket, name and flags");
            return -1;
        }
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "Hy#b:mark", &marks[i].bucket,
                              &marks[i].name.p, &len, &marks[i].flags))
            return -1;
        marks[i].name.len = (size_t)len;
    }
    return 0;
}

static PyObject *mark(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *path, *list, *out = NULL;
    struct s3p_err err = {0};
    uint64_t marked;
    int rc;
    if (!PyArg_ParseTuple(args, "O&O!:mark", PyUnicode_FSConverter, &path, &PyList_Type, &list))
        return NULL;
    size_t n = (size_t)PyList_GET_SIZE(list);
    struct s3p_mark *marks = s3p_calloc(n + 1, sizeof *marks);
    if (marks == NULL) {
        PyErr_NoMemory();
    } else if (take_marks(list, marks) == 0) {
        Py_BEGIN_ALLOW_THREADS rc =
            s3p_history_mark(PyBytes_AsString(path), marks, n, &marked, &err);
        Py_END_ALLOW_THREADS out =
            rc < 0 ? s3p_py_raise(&err) : PyLong_FromUnsignedLongLong(marked);
    }
    s3p_free(marks);
    Py_DECREF(path);
    return out;
}

static PyMethodDef functions[] = {
    {"mark", mark, METH_VARARGS, mark_doc},
    {NULL, NULL, 0, NULL},
};

int s3p_py_mark_init(PyObject *module, struct s3p_py_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
