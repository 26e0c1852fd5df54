/* What each rule means, in a paragraph for somebody who has not met it: what was promised, why the
 * witness shows that it was not kept, what usually stands behind it. */
#include <stddef.h>

#include "check/rules.h"

static const char *const about[S3P_RULE_COUNT] = {
    [S3P_RULE_BODY_TORN] =
        "Every body is made of cells that name their write. This one has cells of two writes: the "
        "object was read or stored while another write replaced it, without a switch from one to "
        "the other in one step.",
    [S3P_RULE_BODY_FOREIGN] =
        "The bytes name a write to another key. The store mixed up two objects: a buffer that was "
        "used again, a cache under a wrong name, an index that points elsewhere.",
    [S3P_RULE_BODY_CORRUPT] =
        "A cell has a wrong checksum, so these bytes were never sent: zeros in the place of lost "
        "blocks, framing of a chunked upload that was stored, flipped bits.",
    [S3P_RULE_BODY_LENGTH] =
        "The bytes are right as far as they go, but the object, the range or the size that was "
        "told is longer or shorter than what was written.",
    [S3P_RULE_UNWRITTEN_VALUE] =
        "The value, or the ETag, is of no write to this key, and all writes of the key are known.",
    [S3P_RULE_FUTURE_READ] =
        "The answer was complete before the write whose value it shows was called. Parts of an "
        "upload that can be read before it is completed look like this.",
    [S3P_RULE_FAILED_BUT_VISIBLE] =
        "The client was told that its write had failed, and it took effect: whoever relies on the "
        "refusal, a lock or a counter, has lost an update without knowing.",
    [S3P_RULE_ETAG_MISMATCH] =
        "An ETag stands for one content. Here one value was shown with two, two values with one, "
        "or with none, or it is not the MD5 of the bytes although the profile says so; conditions "
        "on such an ETag protect nothing.",
    [S3P_RULE_CAS_SPLIT_BRAIN] =
        "Of writes that expect the same ETag one can succeed, since it changes the ETag. Two did, "
        "so one of them replaced an object that it had never seen: the check of the condition and "
        "the write are not one step.",
    [S3P_RULE_CREATE_TWICE] =
        "If-None-Match: * succeeds on an absent key only, and nothing deleted the key between the "
        "two successes. Leader elections and locks made this way have two owners.",
    [S3P_RULE_CHAIN_INFEASIBLE] =
        "Conditional writes name their predecessors, so their order is known. By their times one "
        "of them took effect before what it was built on, or after it had returned.",
    [S3P_RULE_ZONE_OVERLAP] =
        "Between the first and the last sign of a value nothing else can have been current, as a "
        "value is written only once. The times of two values each demand a moment inside the "
        "other's: no order of the writes gives all of these answers.",
    [S3P_RULE_STALE_READ] =
        "When the read was called, a newer value had been acknowledged or read, and no later write "
        "could restore the old one. Caches and replicas that lag look like this, and writes that "
        "were acknowledged and lost.",
    [S3P_RULE_LOST_UPDATE] =
        "An acknowledged write has no place in the order: what came before it and what came after "
        "it follow on each other directly. It was overwritten by somebody who had not seen it.",
    [S3P_RULE_ABSENT_AFTER_ACK] =
        "The key was there before the read was called, and no delete can have removed it by the "
        "time of the answer: the 404 is wrong, or the object is lost.",
    [S3P_RULE_PRESENT_AFTER_DELETE] =
        "A delete had been acknowledged, or the key been found absent, before the read was called, "
        "and the value was not written again: the delete was not applied, or it was undone.",
    [S3P_RULE_CAS_IGNORED] =
        "The write succeeded although what it expected was not there at any moment of the request: "
        "the condition was not looked at, or looked at in an old copy.",
    [S3P_RULE_CONDITION_FALSE_NEGATIVE] =
        "The condition was refused although it held from before the call until after the answer. "
        "Work that should have gone on stops, or is tried again for nothing.",
    [S3P_RULE_MPU_BLEND] =
        "A multipart object is exactly the parts that its Complete named, in that order. These "
        "bytes are of another selection, of another order, or of two uploads.",
    [S3P_RULE_MPU_STALE_PART] =
        "A part was sent again. The Complete named the later copy by its ETag and the object has "
        "the earlier one, or it named the earlier one and was not refused with InvalidPart.",
    [S3P_RULE_ABORTED_VISIBLE] =
        "The abort of the upload had been acknowledged before any Complete was called, and its "
        "object can be read.",
    [S3P_RULE_COMPLETE_AND_ABORT] =
        "An upload ends once. Both its Complete and an Abort that was called before the end were "
        "acknowledged: one of the two clients was told something wrong.",
    [S3P_RULE_MPU_COMPLETED_TWICE] =
        "An upload is gone when it is completed. Two different lists of parts were acknowledged "
        "for it, so one of the two objects never was.",
    [S3P_RULE_UPLOAD_UNDEAD] =
        "An upload is gone once its Complete or its Abort was acknowledged. A part of it was "
        "acknowledged, or its parts were listed, after that, and none was on its way before.",
    [S3P_RULE_UPLOAD_LOST] =
        "An upload is there from the acknowledgement of its beginning until it is completed or "
        "aborted. Nobody had asked for either, no rule of the bucket was due, and the request was "
        "answered with NoSuchUpload: its parts are lost, or one server does not know of it.",
    [S3P_RULE_COPY_WRONG_BODY] =
        "A copy reads its source once. These bytes were not written to the source, nor to what was "
        "copied there, before the copy returned.",
    [S3P_RULE_LIST_MISSING] =
        "A page is a read of every name in its range. This name was there before the page was "
        "asked for and until after it was answered, and is not on it.",
    [S3P_RULE_LIST_TRUNCATED_END] =
        "The page says that it is the last one. Behind its last entry there are names that were "
        "there throughout: who walks the listing never sees them.",
    [S3P_RULE_LIST_PHANTOM] =
        "The page has a name that was not there at any moment of the request: it was deleted "
        "before, or made later, or never.",
    [S3P_RULE_LIST_ORDER] =
        "Keys come in the order of their bytes, versions of a key newest first, its uploads oldest "
        "first. Walks by marker skip or repeat names when that does not hold.",
    [S3P_RULE_LIST_DUPLICATE] =
        "A listing names everything once; this name is there twice, on one page or over the border "
        "of two.",
    [S3P_RULE_LIST_RANGE] =
        "The entry does not begin with the prefix, is not rolled up at the delimiter, or is not "
        "behind the marker that the page was asked for.",
    [S3P_RULE_LIST_OVER_LIMIT] =
        "The page has more entries than max-keys allows; clients with fixed buffers lose the rest.",
    [S3P_RULE_LIST_NO_PROGRESS] =
        "The page says that more follows, and gives no token or marker, or the one that it was "
        "asked with: the walk cannot go on, or goes in circles.",
    [S3P_RULE_LIST_LATEST] =
        "Of the versions of a key exactly the newest is the latest. Nothing changed during the "
        "page, and it says otherwise.",
    [S3P_RULE_LIST_PART_ENTRY] =
        "The size and ETag of a listed part are those of no copy of it that was sent, or of one "
        "that another copy had replaced before the page was called.",
    [S3P_RULE_LIST_INCONSISTENT] =
        "A page says how many entries it has, and a last page has no token. This page contradicts "
        "itself: clients that believe one half of it lose names, or never end.",
    [S3P_RULE_COPY_WRONG_SOURCE] =
        "A copy may ask for a source with, or without, a certain ETag, and fails otherwise. This "
        "one succeeded, and the ETag that it answered shows that it copied something else.",
    [S3P_RULE_META_TORN] =
        "Metadata are replaced as a whole. These have fields of two writes, or some are missing.",
    [S3P_RULE_META_LOST] =
        "Every write of a run brings metadata. The object has the bytes, and metadata are gone.",
    [S3P_RULE_TAGS_TORN] =
        "A tag set is replaced as a whole. This one has tags of two writes.",
    [S3P_RULE_TAGS_CORRUPT] = "Tags name the write that made them; this set is of none.",
    [S3P_RULE_BATCH_MISSING_KEY] =
        "Every key of a batch delete has a result, deleted or an error. This one has none, and the "
        "client cannot tell what became of it.",
    [S3P_RULE_BATCH_EXTRA_KEY] =
        "The answer has a result for a key that was not in the request, or for a success although "
        "only failures were asked for.",
    [S3P_RULE_BATCH_ABSENT_ERROR] =
        "To delete what is not there succeeds: a retried batch would never end well otherwise.",
    [S3P_RULE_BATCH_OVER_LIMIT] =
        "A request of more than 1,000 keys is refused as a whole. This one was acknowledged.",
    [S3P_RULE_VERSION_ID_REUSED] =
        "A version id stands for one write for ever. Two writes were given the same.",
    [S3P_RULE_VERSION_LOST] =
        "A version can be read by its id until it is deleted by its id, and nobody did that.",
    [S3P_RULE_VERSION_WRONG_BODY] =
        "Read by its id, or listed, a version shows the value, the ETag or the size of another "
        "write.",
    [S3P_RULE_VERSION_UNDEAD] =
        "The version had been deleted by its id, which cannot be undone, and can be read.",
    [S3P_RULE_BUCKET_UNREADY] =
        "The bucket had been created, and nobody deleted it, but a request was told that there is "
        "no such bucket. Stores that spread this news late need a time to be ready in the profile.",
    [S3P_RULE_ERROR_AS_SUCCESS] =
        "The status said success, and the body is an error. Whoever looks at the status alone "
        "believes that something was done which was not.",
    [S3P_RULE_SURPLUS_BYTES] =
        "More bytes came on the connection than the answer has. On a connection that is used "
        "again they would be taken for the beginning of the next answer.",
    [S3P_RULE_LAST_MODIFIED] =
        "The store's own times of two versions contradict their order: a newer one is shown as "
        "older by more than the profile allows. Whoever sorts or expires by them takes the wrong "
        "one.",
    [S3P_RULE_READ_CONDITION] =
        "A read with If-Match shows that ETag or is refused, one with If-None-Match shows another. "
        "Whoever goes on with a download by ranges trusts that they are of one object.",
    [S3P_RULE_VERSION_MISSING] =
        "In a bucket with versioning every write makes a version with an id. This one was "
        "acknowledged without: what it replaced may be gone for good.",
    [S3P_RULE_REPLICA_ORDER] =
        "A bucket that is a copy of another one may be late, but it shows the values of a key in "
        "the order in which they were written. Here an older value came back after a newer one had "
        "been shown: if it stays, the copy is not what the source is.",
};

const char *s3p_rule_about(enum s3p_rule rule)
{
    return about[rule] != NULL ? about[rule] : "";
}
