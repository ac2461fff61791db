/* story.h - all that a core did in a test, as text beside the test.
 *
 * What a unit test does not look at may change without anybody noticing. A story looks at
 * everything: a line for each event, and below it what the core answered: records as the fields
 * that changed since their last put, messages and replies with every field that is not empty. Ids
 * are numbered in the order of their appearance ("#1"), times count from the story's begin
 * ("t+500").
 *
 *     story = story_new("a_copy_is_made_again", now_ms);
 *     story_event(story, "tick");  story_record(...);  story_value(...);   ... again and again ...
 *     story_end(story);            fails the test at the first line that is not as recorded
 *
 * The recorded ones lie in the folder `stories` beside the test (STORIES). After a change that is
 * meant, run the test with MERIDIAN_STORIES=write, and read the difference as you read code.
 */
#pragma once
#include "wire/messages.h"
#include "wire/wire_codec.h"

struct story;

struct story *story_new(const char *name, uint64_t zero_ms);
void story_event(struct story *story, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of what was done. */
void story_did(struct story *story, const char *format, ...) __attribute__((format(printf, 2, 3)));
void story_record(struct story *story, const struct record *record);
void story_gone(struct story *story, const char *key);
/* Of that value what changed since it was told last under this key; a record's is its own. */
void story_changes(struct story *story, const char *what, const char *key,
                   const struct wire_type *type, const void *plain);
/* All of a value. */
void story_value(struct story *story, const char *what, const struct wire_type *type,
                 const void *plain);
void story_message(struct story *story, const char *to, const struct message *message);
/* Compares, or writes; frees. NULL is no story. */
void story_end(struct story *story);
/* Without comparing. */
void story_free(struct story *story);
