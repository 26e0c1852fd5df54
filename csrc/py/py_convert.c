#include "py/state.h"

#include <string.h>

PyObject *s3p_py_raise(const struct s3p_err *err)
{
    switch (err->code) {
    case S3P_ENOMEM:
        PyErr_SetString(PyExc_MemoryError, err->msg);
        break;
    case S3P_EINVAL:
    case S3P_EFORMAT:
    case S3P_EUNSUP:
        PyErr_SetString(PyExc_ValueError, err->msg);
        break;
    case S3P_EIO: {
        PyObject *args = err->sys != 0 ? Py_BuildValue("(is)", err->sys, err->msg)
                                       : Py_BuildValue("(s)", err->msg);
        if (args != NULL)
            PyErr_SetObject(PyExc_OSError, args);
        Py_XDECREF(args);
        break;
    }
    default:
        PyErr_SetString(PyExc_RuntimeError, err->msg);
    }
    return NULL;
}

PyObject *s3p_py_json_bytes(struct s3p_py_state *st, PyObject *value, const char *what)
{
    PyObject *text = NULL, *method = NULL;
    if (PyUnicode_Check(value)) {
        text = Py_NewRef(value);
    } else if (PyDict_Check(value)) {
        text = PyObject_CallFunctionObjArgs(st->json_dumps, value, NULL);
    } else {
        method = PyObject_GetAttrString(value, "to_json");
        if (method != NULL)
            text = PyObject_CallNoArgs(method);
        else if (PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Format(PyExc_TypeError,
                         "%s: a dict, a JSON text or an object with to_json() is expected", what);
    }
    Py_XDECREF(method);
    if (text == NULL)
        return NULL;
    PyObject *bytes = NULL;
    if (PyUnicode_Check(text))
        bytes = PyUnicode_AsUTF8String(text);
    else
        PyErr_Format(PyExc_TypeError, "%s: to_json() gave no text", what);
    Py_DECREF(text);
    return bytes;
}

PyObject *s3p_py_json_load(struct s3p_py_state *st, struct s3p_buf *b)
{
    PyObject *text = NULL, *out = NULL;
    if (s3p_buf_ok(b))
        text = PyUnicode_DecodeUTF8(b->data != NULL ? b->data : "", (Py_ssize_t)b->len, "replace");
    else
        PyErr_NoMemory();
    s3p_buf_free(b);
    if (text != NULL)
        out = PyObject_CallFunctionObjArgs(st->json_loads, text, NULL);
    Py_XDECREF(text);
    return out;
}

const char *s3p_py_utf8(PyObject *text, const char *what, Py_ssize_t *len)
{
    if (PyUnicode_Check(text))
        return PyUnicode_AsUTF8AndSize(text, len);
    PyErr_Format(PyExc_TypeError, "%s: a text is expected", what);
    return NULL;
}

bool s3p_py_bytes(PyObject *value, const char *what, struct s3p_str *out)
{
    Py_ssize_t len;
    char *p;
    if (PyBytes_Check(value)) {
        if (PyBytes_AsStringAndSize(value, &p, &len) < 0)
            return false;
        *out = (struct s3p_str){p, (size_t)len};
        return true;
    }
    const char *text = s3p_py_utf8(value, what, &len);
    if (text == NULL)
        return false;
    *out = (struct s3p_str){text, (size_t)len};
    return true;
}
