#include "server/mutant_rows.h"

static const struct s3p_srv_mutant_row *const tables[] = {
    s3p_srv_mutants_of_answers,
    s3p_srv_mutants_of_batches,
    s3p_srv_mutants_of_chores,
    s3p_srv_mutants_of_deletes,
    s3p_srv_mutants_of_durability,
    s3p_srv_mutants_of_entries,
    s3p_srv_mutants_of_gateways,
    s3p_srv_mutants_of_intake,
    s3p_srv_mutants_of_lists,
    s3p_srv_mutants_of_nodes,
    s3p_srv_mutants_of_objects,
    s3p_srv_mutants_of_paging,
    s3p_srv_mutants_of_parts,
    s3p_srv_mutants_of_ranges,
    s3p_srv_mutants_of_reads,
    s3p_srv_mutants_of_records,
    s3p_srv_mutants_of_replicas,
    s3p_srv_mutants_of_tags,
    s3p_srv_mutants_of_upload_pages,
    s3p_srv_mutants_of_uploads,
    s3p_srv_mutants_of_versions,
    s3p_srv_mutants_of_writes,
    s3p_srv_modes,
};

const struct s3p_srv_mutant_row *s3p_srv_mutant_row(size_t i)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct s3p_srv_mutant_row *row = tables[t]; row->name != NULL; row++)
            if (i-- == 0)
                return row;
    return NULL;
}
