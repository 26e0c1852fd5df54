/* s3prod._native: bindings only. Arguments become C values, the GIL is released around work, errors
 * become exceptions.
 *
 * All Python objects live in the module state; several modules (sub-interpreters, a second import)
 * may exist side by side. Worker threads never call Python: the thread that waits in run() does,
 * every 50 ms. */
#ifndef S3P_PY_STATE_H
#define S3P_PY_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/buf.h"

struct s3p_py_engine; /* an engine inside run(), py_run.c */

struct s3p_py_state {
    /* immutable after exec */
    PyObject *json_loads, *json_dumps;
    PyTypeObject *history_type, *writer_type;

    /* shared: atomics */
    _Atomic long engines, histories, writers; /* live ones, for _debug_live */

    /* guarded by mu */
    pthread_mutex_t mu;
    struct s3p_py_engine *running;
};

static inline struct s3p_py_state *s3p_py_state_of(PyObject *module)
{
    return (struct s3p_py_state *)PyModule_GetState(module);
}

/* ---- py_convert.c ---- */

/* Raises what `err` says: ValueError, OSError, MemoryError or RuntimeError. Returns NULL. */
PyObject *s3p_py_raise(const struct s3p_err *err);
/* A JSON document as bytes: from a text, from an object with to_json(), or by json.dumps. New
 * reference. */
PyObject *s3p_py_json_bytes(struct s3p_py_state *st, PyObject *value, const char *what);
/* json.loads of the buffer, which it frees. New reference. */
PyObject *s3p_py_json_load(struct s3p_py_state *st, struct s3p_buf *b);
/* Borrowed UTF-8 of a str that the caller holds; NULL with TypeError. */
const char *s3p_py_utf8(PyObject *text, const char *what, Py_ssize_t *len);
/* Bytes of a str or of a buffer that is bytes; borrowed from `value`. */
bool s3p_py_bytes(PyObject *value, const char *what, struct s3p_str *out);

/* ---- one function a file: what each adds to the module; 0 or -1 with an exception ---- */
int s3p_py_run_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_short_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_check_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_sign_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_facts_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_crc_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_chunked_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_history_init(PyObject *module, struct s3p_py_state *st);
int s3p_py_writer_init(PyObject *module, struct s3p_py_state *st);

/* ---- py_mark.c ---- */
int s3p_py_mark_init(PyObject *module, struct s3p_py_state *st);

/* ---- used by the functions that build a plan of their own ---- */
struct s3p_py_run_args {
    PyObject *plan, *target; /* bytes of JSON */
    PyObject *history;       /* bytes of the path, or NULL */
    PyObject *progress;      /* callable or NULL */
    bool histograms;
};
PyObject *s3p_py_run(struct s3p_py_state *st, const struct s3p_py_run_args *a); /* the metrics */
PyObject *s3p_py_check(struct s3p_py_state *st, const char *path, const char *profile, int threads,
                       unsigned long long memory_bytes, int max_witnesses); /* the verdict */

#endif
