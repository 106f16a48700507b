/* Files served from memory. */
#include "gateways/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit.h"

#define PATH_BYTES 512

typedef struct folder {
    char path[PATH_BYTES];
} folder;

static void write_file(const folder *in, const char *name, const char *text) {
    char path[PATH_BYTES * 2];
    tw_text_format(path, sizeof path, "%s/%s", in->path, name);
    FILE *file = fopen(path, "wb");
    EXPECT(file != NULL);
    fwrite(text, 1, strlen(text), file);
    fclose(file);
}

static void make_folder(const folder *in, const char *name) {
    char path[PATH_BYTES * 2];
    tw_text_format(path, sizeof path, "%s/%s", in->path, name);
    EXPECT(mkdir(path, 0700) == 0);
}

static folder open_folder(void) {
    folder made;
    tw_text_copy(made.path, sizeof made.path, "/tmp/tickwire-pages-XXXXXX");
    EXPECT(mkdtemp(made.path) != NULL);
    return made;
}

static void remove_folder(const folder *one) {
    char command[PATH_BYTES * 2];
    tw_text_format(command, sizeof command, "rm -r '%s'", one->path);
    EXPECT(system(command) == 0);
}

static const char *text_of(const pages *all, const char *path) {
    static char text[64];
    const page *found = pages_find(all, path);
    if (found == NULL) return "none";
    tw_text_format(text, sizeof text, "%.*s", (int)found->length, (const char *)found->bytes);
    return text;
}

TEST(pages, a_folder_is_found_by_path_with_its_index_files_and_nothing_hidden) {
    folder in = open_folder();
    make_folder(&in, "deep");
    make_folder(&in, ".git");
    write_file(&in, "index.html", "top");
    write_file(&in, "deep/index.html", "below");
    write_file(&in, "deep/app.js", "code");
    write_file(&in, ".secret", "s");
    write_file(&in, ".git/config", "s");
    pages all = {0};
    tw_error error;
    EXPECT(pages_read(&all, in.path, &error) == TW_OK);
    const char *const served[][2] = {
        {"/", "top"},      {"/index.html", "top"}, {"/deep/", "below"},      {"/deep/app.js", "code"},
        {"/deep", "none"}, {"", "none"},           {"/deep/app.j", "none"},  {"/.secret", "none"},
        {"//", "none"},    {"/../x", "none"},      {"/.git/config", "none"}, {"deep/app.js", "none"}};
    for (size_t i = 0; i < sizeof served / sizeof *served; i++)
        EXPECT_MSG(strcmp(text_of(&all, served[i][0]), served[i][1]) == 0, "'%s' is %s", served[i][0],
                   text_of(&all, served[i][0]));
    EXPECT_STR(pages_find(&all, "/deep/app.js")->type, "text/javascript; charset=utf-8");
    EXPECT_U64(all.count, 3);
    pages_free(&all);
    remove_folder(&in);
}

TEST(pages, a_page_made_here_comes_before_a_file_of_the_same_path) {
    folder in = open_folder();
    make_folder(&in, "v1");
    write_file(&in, "index.html", "top");
    write_file(&in, "v1/openapi.json", "{\"a\":1}");
    pages all = {0};
    tw_error error;
    EXPECT(pages_add(&all, "/v1/openapi.json", "{}", 2, &error) == TW_OK);
    EXPECT(pages_read(&all, in.path, &error) == TW_OK);
    EXPECT_STR(text_of(&all, "/v1/openapi.json"), "{}");
    EXPECT_STR(pages_find(&all, "/v1/openapi.json")->type, "application/json");
    EXPECT_STR(text_of(&all, "/"), "top");
    pages_free(&all);
    remove_folder(&in);
}

TEST(pages, a_tag_is_of_the_bytes_and_is_recognised_in_a_list) {
    pages all = {0};
    tw_error error;
    EXPECT(pages_add(&all, "/a.txt", "same", 4, &error) == TW_OK &&
           pages_add(&all, "/b.txt", "same", 4, &error) == TW_OK &&
           pages_add(&all, "/c.txt", "Same", 4, &error) == TW_OK);
    const page *a = pages_find(&all, "/a.txt"), *c = pages_find(&all, "/c.txt");
    EXPECT_STR(a->tag, pages_find(&all, "/b.txt")->tag);
    EXPECT(strcmp(a->tag, c->tag) != 0);
    char list[128];
    tw_text_format(list, sizeof list, "\"x\", W/%s", a->tag);
    EXPECT(page_is_known(a, a->tag) && page_is_known(a, list) && page_is_known(a, "*"));
    EXPECT(!page_is_known(a, "") && !page_is_known(a, "\"x\"") && !page_is_known(c, list));
    pages_free(&all);
}

TEST(pages, what_can_not_be_served_is_named) {
    folder in = open_folder();
    pages all = {0};
    tw_error error;
    EXPECT(pages_read(&all, in.path, &error) == TW_NOT_FOUND);
    EXPECT_CONTAINS(error.text, "has no index.html");
    pages_free(&all);
    EXPECT(pages_read(&all, "/nowhere/at/all", &error) != TW_OK);
    EXPECT_CONTAINS(error.text, "/nowhere/at/all");
    pages_free(&all);
    char path[PATH_BYTES * 2];
    tw_text_format(path, sizeof path, "%s/index.html", in.path);
    FILE *large = fopen(path, "wb");
    EXPECT(large != NULL && ftruncate(fileno(large), (off_t)PAGES_MOST_BYTES + 1) == 0);
    fclose(large);
    EXPECT(pages_read(&all, in.path, &error) == TW_FULL);
    EXPECT_CONTAINS(error.text, "more than 4096 files or 64 MiB");
    pages_free(&all);
    remove_folder(&in);
}
