/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay FILE…: run a target over inputs that are kept, without libFuzzer.
 *
 * A file that ends in .hex holds an input a line, in hexadecimal; a line that begins with # explains.
 * Any other file is one input as it is: what libFuzzer leaves when it found something.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)32 << 20)

/* The whole file; ends the process where it cannot be read. */
static struct str read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *bytes = malloc(INPUT_MAX);

	if (!f || !bytes) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	const size_t n = fread(bytes, 1, INPUT_MAX, f);
	require(!ferror(f));
	(void)fclose(f);
	return (struct str){ bytes, n };
}

static int digit(char c)
{
	const char *all = "0123456789abcdef", *at = c ? strchr(all, c) : NULL;

	return at ? (int)(at - all) : -1;
}

/* One line of digits as bytes of exactly that size. */
static void run_line(struct str line, const char *path, size_t number)
{
	uint8_t *bytes = malloc(line.n / 2 + 1);
	bool good = bytes && line.n % 2 == 0;

	for (size_t i = 0; good && i < line.n / 2; i++) {
		const int high = digit(line.p[2 * i]), low = digit(line.p[2 * i + 1]);
		good = high >= 0 && low >= 0;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	if (!good) {
		fprintf(stderr, "%s:%zu: not hexadecimal\n", path, number);
		exit(EXIT_FAILURE);
	}
	uint8_t *exact = (uint8_t *)fuzz_copy((struct str){ (char *)bytes, line.n / 2 });
	free(bytes);
	printf("%s:%zu\n", path, number);
	(void)fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, line.n / 2);
	free(exact);
}

static size_t run_file(const char *path)
{
	const struct str all = read_file(path);
	const size_t n = strlen(path);
	struct str left = all;
	size_t inputs = 0, number = 0;

	if (n < 4 || strcmp(path + n - 4, ".hex") != 0) {
		uint8_t *exact = (uint8_t *)fuzz_copy(all);
		(void)LLVMFuzzerTestOneInput(exact, all.n);
		free(exact);
		inputs = 1;
	} else {
		while (left.n) {
			const struct str line = fuzz_cut(&left, '\n');
			number++;
			if (line.n && line.p[0] == '#')
				continue;
			run_line(line, path, number);
			inputs++;
		}
	}
	free((char *)all.p);
	return inputs;
}

int main(int argc, char **argv)
{
	size_t inputs = 0;

	for (int i = 1; i < argc; i++)
		inputs += run_file(argv[i]);
	printf("%zu inputs\n", inputs);
	return inputs ? EXIT_SUCCESS : EXIT_FAILURE;
}
