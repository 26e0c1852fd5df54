#include "py/state.h"

#include "http/conn.h"

static int import_name(PyObject **out, const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    if (m == NULL)
        return -1;
    *out = PyObject_GetAttrString(m, name);
    Py_DECREF(m);
    return *out == NULL ? -1 : 0;
}

static int module_exec(PyObject *module)
{
    struct s3p_py_state *st = s3p_py_state_of(module);
    struct s3p_err err = {0};
    pthread_mutex_init(&st->mu, NULL);
    if (s3p_net_check_library(&err) != 0) {
        PyErr_SetString(PyExc_ImportError, err.msg);
        return -1;
    }
    if (import_name(&st->json_loads, "json", "loads") < 0 ||
        import_name(&st->json_dumps, "json", "dumps") < 0)
        return -1;
    int (*const init[])(PyObject *, struct s3p_py_state *) = {
        s3p_py_run_init,   s3p_py_short_init,   s3p_py_check_init, s3p_py_sign_init,
        s3p_py_facts_init, s3p_py_crc_init,     s3p_py_chunked_init, s3p_py_history_init,
        s3p_py_writer_init,  s3p_py_mark_init};
    for (size_t i = 0; i < sizeof init / sizeof init[0]; i++)
        if (init[i](module, st) < 0)
            return -1;
    return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct s3p_py_state *st = s3p_py_state_of(module);
    Py_VISIT(st->json_loads);
    Py_VISIT(st->json_dumps);
    Py_VISIT(st->history_type);
    Py_VISIT(st->writer_type);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct s3p_py_state *st = s3p_py_state_of(module);
    Py_CLEAR(st->json_loads);
    Py_CLEAR(st->json_dumps);
    Py_CLEAR(st->history_type);
    Py_CLEAR(st->writer_type);
    return 0;
}

static void module_free(void *module)
{
    module_clear((PyObject *)module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if !defined(Py_LIMITED_API) && PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if !defined(Py_LIMITED_API) && PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

PyDoc_STRVAR(
    module_doc,
    "The native side of s3prod: engine, checker, history, signer. See _native.pyi for types.\n\n"
    "Caveats: no use of a running engine or an open writer after fork; signals are handled by the\n"
    "thread that waits in run(); worker threads never call Python.");

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,   .m_name = "s3prod._native",
    .m_doc = module_doc,     .m_size = sizeof(struct s3p_py_state),
    .m_slots = module_slots, .m_traverse = module_traverse,
    .m_clear = module_clear, .m_free = module_free,
};

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&module_def);
}
