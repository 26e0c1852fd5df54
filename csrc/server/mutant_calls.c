/* The hooks of batches, tags, copies and settings: each row that is on has its turn. */
#include "server/mutant_state.h"

bool s3p_srv_mutants_of_batch(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                              const struct s3p_srv_batch_key *e, struct s3p_srv_batch_result *r)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_key_state *k = NULL;
    bool done = false;
    *r = (struct s3p_srv_batch_result){.error = S3P_SE_NONE};
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active && !done; i++) {
        if (m->active[i].row->of_batch == NULL)
            continue;
        if (k == NULL && (k = s3p_srv_mutant_key(m, t->bucket.id, e->key, true)) == NULL)
            break;
        k->inflight++; /* the batch is a request on each of its keys */
        done = m->active[i].row->of_batch(m, &m->active[i], req, k, t, e, r);
        k->inflight--;
    }
    if (k != NULL)
        s3p_srv_mutant_state_done(m, k);
    pthread_mutex_unlock(&m->mu);
    return done;
}

void s3p_srv_mutants_tagged(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                            const struct s3p_srv_record *now, struct s3p_srv_record *then)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; k != NULL && i < m->n_active; i++)
        if (m->active[i].row->tagged != NULL)
            m->active[i].row->tagged(m, &m->active[i], req, k, now, then);
    pthread_mutex_unlock(&m->mu);
}

bool s3p_srv_mutants_source(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    bool pass = false;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; k != NULL && i < m->n_active && !pass; i++)
        if (m->active[i].row->source != NULL)
            pass = m->active[i].row->source(m, &m->active[i], req, k);
    pthread_mutex_unlock(&m->mu);
    return pass;
}

bool s3p_srv_mutants_setting(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    bool lost = false;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; k != NULL && i < m->n_active && !lost; i++)
        if (m->active[i].row->setting != NULL)
            lost = m->active[i].row->setting(m, &m->active[i], req, k);
    pthread_mutex_unlock(&m->mu);
    return lost;
}
