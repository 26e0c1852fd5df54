/* s3prod._server: the embedded store and the fault proxy as commands, and the lists of what they
 * can break. Bindings only; no state. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <expat.h>
#include <lmdb.h>
#include <microhttpd.h>
#include <openssl/crypto.h>

#include "core/alloc.h"
#include "proxy/proxy.h"
#include "server/mutant_rows.h"
#include "server/serve.h"

#ifndef S3P_VARIANT
#define S3P_VARIANT "unknown"
#endif

static void free_argv(char **argv, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        s3p_free(argv[i]);
    s3p_free(argv);
}

/* "s3prod" and the texts of the list, copied: the GIL is released while they are in use. */
static char **copy_argv(PyObject *list, Py_ssize_t *n)
{
    *n = PyList_GET_SIZE(list) + 1;
    char **argv = s3p_calloc((size_t)*n + 1, sizeof *argv);
    bool ok = argv != NULL && (argv[0] = s3p_strndup("s3prod", 6)) != NULL;
    for (Py_ssize_t i = 1; ok && i < *n; i++) {
        Py_ssize_t len = 0;
        const char *text = PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(list, i - 1), &len);
        ok = text != NULL && (argv[i] = s3p_strndup(text, (size_t)len)) != NULL;
    }
    if (ok)
        return argv;
    if (!PyErr_Occurred())
        PyErr_NoMemory();
    if (argv != NULL)
        free_argv(argv, *n);
    return NULL;
}

static PyObject *run_command(int (*command)(int, char **), PyObject *list)
{
    Py_ssize_t n;
    int status;
    if (!PyList_Check(list))
        return PyErr_Format(PyExc_TypeError, "argv: %s, expected a list of str",
                            Py_TYPE(list)->tp_name);
    char **argv = copy_argv(list, &n);
    if (argv == NULL)
        return NULL;
    Py_BEGIN_ALLOW_THREADS status = command((int)n, argv);
    Py_END_ALLOW_THREADS free_argv(argv, n);
    return PyLong_FromLong(status);
}

PyDoc_STRVAR(main_doc,
             "main($module, argv, /)\n--\n\n"
             "Runs the store with these options until SIGTERM or SIGINT; returns the exit status.\n"
             "Call it from the main thread.");

static PyObject *server_main(PyObject *module, PyObject *list)
{
    (void)module;
    return run_command(s3p_serve_main, list);
}

PyDoc_STRVAR(proxy_main_doc,
             "proxy_main($module, argv, /)\n--\n\n"
             "Runs the fault proxy with these options until SIGTERM or SIGINT; returns the exit\n"
             "status. Call it from the main thread.");

static PyObject *server_proxy_main(PyObject *module, PyObject *list)
{
    (void)module;
    return run_command(s3p_proxy_main, list);
}

PyDoc_STRVAR(fault_check_doc, "fault_check($module, spec, /)\n--\n\n"
                              "Raises ValueError when this is no fault of the proxy.");

static PyObject *server_fault_check(PyObject *module, PyObject *spec)
{
    (void)module;
    struct s3p_px_spec parsed;
    struct s3p_err err = {0};
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(spec, &len);
    if (text == NULL)
        return NULL;
    if (s3p_px_spec_parse(&parsed, text, (size_t)len, &err) < 0)
        return PyErr_Format(PyExc_ValueError, "%s", err.msg);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(faults_doc, "faults($module, /)\n--\n\n"
                         "The faults of the proxy: name, what each does, what must come of it.");

static PyObject *server_faults(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    size_t n;
    const struct s3p_px_row *rows = s3p_px_rows(&n);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *row = Py_BuildValue("{s:s, s:s, s:s}", "name", rows[i].name, "does", rows[i].does,
                                      "expect", rows[i].expect);
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

PyDoc_STRVAR(mutants_doc,
             "mutants($module, /)\n--\n\n"
             "The store's mutants and modes: name, what each breaks (a mode: does), section of\n"
             "the bug catalogue, needs; kind: mutant or mode; of a mode, who says that it is\n"
             "legal, and whether the store does so anyway.");

static PyObject *server_mutants(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    const struct s3p_srv_mutant_row *row;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && (row = s3p_srv_mutant_row(i)) != NULL; i++) {
        PyObject *item = Py_BuildValue("{s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "kind",
                                       row->legal != NULL ? "mode" : "mutant", "name", row->name,
                                       "breaks", row->breaks, "section", row->section, "needs",
                                       row->needs, "legal", row->legal != NULL ? row->legal : "",
                                       "always", row->always ? Py_True : Py_False);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

PyDoc_STRVAR(
    build_info_doc,
    "build_info($module, /)\n--\n\nCompiler, variant and the versions of the libraries in use.");

static PyObject *server_build_info(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    return Py_BuildValue("{s:s, s:s, s:s, s:s, s:s, s:s}", "compiler", __VERSION__, "variant",
                         S3P_VARIANT, "libmicrohttpd", MHD_get_version(), "lmdb",
                         mdb_version(NULL, NULL, NULL), "expat", XML_ExpatVersion(), "openssl",
                         OpenSSL_version(OPENSSL_VERSION));
}

static PyMethodDef methods[] = {
    {"main", server_main, METH_O, main_doc},
    {"proxy_main", server_proxy_main, METH_O, proxy_main_doc},
    {"fault_check", server_fault_check, METH_O, fault_check_doc},
    {"faults", server_faults, METH_NOARGS, faults_doc},
    {"mutants", server_mutants, METH_NOARGS, mutants_doc},
    {"build_info", server_build_info, METH_NOARGS, build_info_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#if !defined(Py_LIMITED_API) && PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if !defined(Py_LIMITED_API) && PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "s3prod._server",
    .m_doc = "The embedded store. Private: use the command `s3prod serve`, or "
             "s3prod.store.EmbeddedStore.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__server(void)
{
    return PyModuleDef_Init(&definition);
}
