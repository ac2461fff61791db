/* CloudFormation templates as definitions, and definitions as AWS prints them. */
#include "client/export.h"
#include "client/template.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define PIPELINE                                                                                   \
    "Resources:\n"                                                                                 \
    "  Xr:\n"                                                                                      \
    "    Type: AWS::CodePipeline::Pipeline\n"                                                      \
    "    Properties:\n"

/* The shape of the blog's template: a list of stores, whole numbers as versions, no Name. */
static const char blog[] =
    "Parameters: { Bucket: { Type: String }, Key: { Type: String, Default: app.zip } }\n"
    "Mappings: { Other: { us-west-2: { Second: us-east-1 } } }\n"
    "Resources:\n"
    "  Role: { Type: 'AWS::IAM::Role', Properties: { Path: / } }\n"
    "  Made: { Type: 'AWS::S3::Bucket', Properties: { BucketName: !Sub 'made-${AWS::Region}' } }\n"
    "  Xr:\n"
    "    Type: AWS::CodePipeline::Pipeline\n"
    "    Properties:\n"
    "      RoleArn: { 'Fn::GetAtt': [ Role, Arn ] }\n"
    "      Tags: [ { Key: a, Value: b } ]\n"
    "      Stages:\n"
    "      - Name: Source\n"
    "        Actions:\n"
    "        - Name: Source\n"
    "          ActionTypeId: { Category: Source, Owner: AWS, Version: 1, Provider: S3 }\n"
    "          RunOrder: 1\n"
    "          Configuration: { S3Bucket: !Ref Bucket, S3ObjectKey: { Ref: Key },\n"
    "                           PollForSourceChanges: true }\n"
    "          OutputArtifacts: [ { Name: App } ]\n"
    "      - Name: Prod\n"
    "        Actions:\n"
    "        - Name: Second\n"
    "          Region: !FindInMap [ Other, !Ref 'AWS::Region', Second ]\n"
    "          Configuration: { ApplicationName: !Join [ '-', [ app, !Ref 'AWS::Region' ] ],\n"
    "                           DeploymentGroupName: !Sub [ '${a}-${!b}', { a: !Ref Key } ] }\n"
    "      ArtifactStores:\n"
    "      - { Region: us-west-2, ArtifactStore: { Type: S3, Location: !Ref Made } }\n"
    "      - { Region: us-east-1, ArtifactStore: { Type: S3, Location: !Sub '${Made}-2' } }\n";

/* NULL with err; the caller's (json_decref). */
static json_t *imported(const char *text, const char *name, struct error *err)
{
    static const struct variable given[] = { { "Bucket", "src" } };
    const struct template_wishes wishes = {
        .region = "us-west-2", .name = name, .parameters = given, .parameter_count = 1
    };
    AUTO(doc_free_at) struct doc *doc = NULL;
    AUTO(buf_deinit) struct buf out = { .max = 0 };
    AUTO(buf_deinit) struct buf notes = { .max = 0 };
    buf_init(&out, 1 << 20);
    buf_init(&notes, 4096);
    if (!doc_parse("t.yml", bytes_of_text(text), NULL, &doc, err)) fail_msg("%s", err->text);
    if (!template_import(doc_root(doc, 0), &wishes, &out, &notes, err)) return NULL;
    json_t *value = json_loadb((const char *)out.data, out.len, 0, NULL);
    assert_non_null(value);
    return value;
}

static void a_template_that_cannot_be_resolved_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *found;
    } cases[] = {
        { "Resources: {}\n", "no resource has the type AWS::CodePipeline::Pipeline" },
        { PIPELINE "      Stagse: []\n", "t.yml:5:15: Resources.Xr.Properties.Stagse" },
        { PIPELINE "      RoleArn: !Ref Lost\n", "nothing is called Lost here" },
        { "Parameters: { P: { Type: String } }\n" PIPELINE "      RoleArn: !Ref P\n",
          "parameter P has no Default" },
        { PIPELINE "      RoleArn: !GetAtt Other.Arn\n", "Other.Arn is not known" },
        { PIPELINE "      RoleArn: !GetAtt Other\n", "Fn::GetAtt needs RESOURCE.ATTRIBUTE" },
        { PIPELINE "      RoleArn: !FindInMap [ A, b, c ]\n", "Mappings have no 'A' there" },
        { PIPELINE "      RoleArn: !FindInMap [ A ]\n", "Mappings have no 'A' there" },
        { PIPELINE "      RoleArn: !Join [ ',' ]\n", "Fn::Join needs a text and a list" },
        { PIPELINE "      RoleArn: !Join []\n", "lacks an argument" },
        { PIPELINE "      RoleArn: !Sub '${A'\n", "a '}' is missing" },
        { PIPELINE "      RoleArn: !If [ a, b, c ]\n", "the function If is not known" },
        { PIPELINE "      RoleArn: { 'Fn::Join': [ ',', [ [ a ] ] ] }\n", "must be a text" },
        { "Resources:\n  A: { Type: 'AWS::S3::Bucket', Properties: { BucketName: !Ref A } }\n"
          "  Xr: { Type: 'AWS::CodePipeline::Pipeline', Properties: { RoleArn: !Ref A } }\n",
          "too deep" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = { ERR_NONE, "" };
        if (imported(cases[i].text, "", &err)) fail_msg("accepted: %s", cases[i].text);
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.text, cases[i].found)) fail_msg("'%s': %s", cases[i].text, err.text);
    }
}

static void the_blogs_template_becomes_a_definition(void **state)
{
    (void)state;
    struct error err = { ERR_NONE, "" };
    json_error_t error;
    json_t *value = imported(blog, "", &err);
    if (!value) fail_msg("%s", err.text);
    const char *name, *role, *bucket, *key, *poll, *version, *region, *app, *group, *one, *two;
    int order = 0;
    int bad = json_unpack_ex(
        value, &error, 0,
        "{s:{s:s, s:s, s:[{s:[{s:{s:s}, s:i, s:{s:s, s:s, s:s}}]}, {s:[{s:s, s:{s:s, s:s}}]}], "
        "s:{s:{s:s}, s:{s:s}}}}",
        "pipeline", "name", &name, "roleArn", &role, "stages", "actions", "actionTypeId", "version",
        &version, "runOrder", &order, "configuration", "S3Bucket", &bucket, "S3ObjectKey", &key,
        "PollForSourceChanges", &poll, "actions", "region", &region, "configuration",
        "ApplicationName", &app, "DeploymentGroupName", &group, "artifactStores", "us-west-2",
        "location", &one, "us-east-1", "location", &two);
    if (bad) fail_msg("%s", error.text);
    assert_string_equal(name, "Xr");
    assert_string_equal(role, "arn:aws:iam::000000000000:role/Role");
    assert_string_equal(version, "1");
    assert_int_equal(order, 1);
    assert_string_equal(bucket, "src");
    assert_string_equal(key, "app.zip");
    assert_string_equal(poll, "true");
    assert_string_equal(region, "us-east-1");
    assert_string_equal(app, "app-us-west-2");
    assert_string_equal(group, "app.zip-${b}");
    assert_string_equal(one, "made-us-west-2");
    assert_string_equal(two, "made-us-west-2-2");
    assert_null(json_object_get(json_object_get(value, "pipeline"), "tags"));
    json_decref(value);
    value = imported(blog, "mine", &err);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(value, "pipeline"), "name")), "mine");
    json_decref(value);
}

static void an_export_has_awss_shape(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        { "{\"pipeline\": {\"name\": \"xr\", \"version\": 1}, \"metadata\": {\"created\": 1.5}}",
          "{\"pipeline\": {\"name\": \"xr\", \"version\": 7}}" },
        { "name: xr\nstages:\n- actions:\n  - runOrder: '2'\n    actionTypeId: {version: 1}\n"
          "    configuration: {PollForSourceChanges: true, A: 7}\n"
          "    meridian: {trafficControl: true, n: 5, t: '5'}\n    inputArtifacts: []\n",
          "{\"pipeline\": {\"name\": \"xr\", \"version\": 7, \"stages\": [{\"actions\": [{"
          "\"runOrder\": 2, \"actionTypeId\": {\"version\": \"1\"}, \"configuration\": "
          "{\"PollForSourceChanges\": \"true\", \"A\": \"7\"}, \"meridian\": "
          "{\"trafficControl\": true, \"n\": 5, \"t\": \"5\"}, \"inputArtifacts\": []}]}]}}" },
    };
    static const struct print_mode mode = { .utf8 = true };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        struct print out;
        AUTO(doc_free_at) struct doc *doc = NULL;
        assert_true(doc_parse("p", bytes_of_text(cases[i].text), NULL, &doc, &err));
        print_init(&out, &mode);
        export_write(&out, "", doc_root(doc, 0), 7);
        json_t *made = json_loads(print_string(&out), 0, NULL);
        json_t *wanted = json_loads(cases[i].wanted, 0, NULL);
        if (!json_equal(made, wanted)) fail_msg("%s", print_string(&out));
        json_decref(made);
        json_decref(wanted);
        print_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_that_cannot_be_resolved_says_where),
        cmocka_unit_test(the_blogs_template_becomes_a_definition),
        cmocka_unit_test(an_export_has_awss_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
