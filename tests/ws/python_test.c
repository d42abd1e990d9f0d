/* SPDX-License-Identifier: MIT */

/* Against a real peer, the websockets of Python, as client of our server and as server of our
 * client. */

#include "ends.h"

#include <weft/io.h>
#include <weft/process.h>

#include <stdlib.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

/* Echoes of all kinds and sizes, fragments, pings both ways, and the close. */
static const char client_script[] =
    "import asyncio, sys, websockets\n"
    "async def main():\n"
    "    compression = None if sys.argv[2] == 'plain' else 'deflate'\n"
    "    async with websockets.connect(sys.argv[1], compression=compression,\n"
    "                                  subprotocols=['x', 'chat'], max_size=None) as ws:\n"
    "        assert ws.subprotocol == 'chat', ws.subprotocol\n"
    "        assert len(ws.extensions) == (0 if compression is None else 1), ws.extensions\n"
    "        for size in 0, 1, 125, 126, 1000, 65535, 65536, 300000, 600000:\n"
    "            for message in 'gr\\u00fc\\u20ac'[:size] * (size // 5), bytes(range(256)) * (size "
    "// 256):\n"
    "                await ws.send(message)\n"
    "                assert await ws.recv() == message, size\n"
    "        await ws.send(['in ', 'three ', 'pieces'])\n"
    "        assert await ws.recv() == 'in three pieces'\n"
    "        await (await ws.ping(b'are you there'))\n"
    "        for i in range(1000):\n"
    "            await ws.send(str(i))\n"
    "        for i in range(1000):\n"
    "            assert await ws.recv() == str(i)\n"
    "        await ws.close(4001, 'well')\n"
    "        assert ws.close_code == 4001, ws.close_code\n"
    "asyncio.run(main())\n"
    "print('good')\n";

static const char server_script[] =
    "import asyncio, sys, websockets\n"
    "async def echo(ws):\n"
    "    async for message in ws:\n"
    "        if message == 'bye':\n"
    "            await (await ws.ping())\n"
    "            await ws.close(4002, 'as you wish')\n"
    "        else:\n"
    "            await ws.send(message)\n"
    "async def main():\n"
    "    compression = None if sys.argv[1] == 'plain' else 'deflate'\n"
    "    async with websockets.serve(echo, '127.0.0.1', 0, compression=compression,\n"
    "                                max_size=None, subprotocols=['chat']) as server:\n"
    "        print(server.sockets[0].getsockname()[1], flush=True)\n"
    "        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)\n"
    "asyncio.run(main())\n";

static bool is_there(void)
{
    static const char *const argv[] = {PYTHON, "-c", "import websockets", NULL};
    const weft_process_options options = {.argv = argv, .err = WEFT_STDIO_NULL};
    weft_process_output output;
    if (access(PYTHON, X_OK) != 0)
        return false;
    CHECK_OK(weft_process_run(&options, (weft_str){"", 0}, 4096, &output));
    int status = output.status;
    weft_process_output_free(&output);
    return status == 0;
}

/* False in simulation, where there are no programs. */
static bool has_python(void)
{
    if (strcmp(test_backend(), "sim") == 0)
        return false;
    if (!is_there())
        SKIP("no python3-websockets");
    return true;
}

/* ---- its client, our server ---- */

static void check_client(enum weft_ws_deflate deflate)
{
    static const char *const protocols[] = {"chat"};
    struct ends ends;
    weft_process_output output;
    if (!has_python())
        return;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options = (weft_ws_options){
        .limits = {.inflate_ratio_max = 2000}, /* its messages repeat themselves */
        .deflate = deflate,
        .protocols = protocols,
        .protocol_count = 1};
    const char *const argv[] = {
        PYTHON, "-c", client_script, ends.url, deflate == WEFT_WS_PLAIN ? "plain" : "deflate",
        NULL};
    const weft_process_options options = {
        .argv = argv, .out = WEFT_STDIO_PIPE, .err = WEFT_STDIO_PIPE};
    CHECK_OK(weft_process_run(&options, (weft_str){"", 0}, 1 << 20, &output));
    size_t err_bytes = strlen(output.err.ptr); /* its last lines say what is wrong */
    note("%s", output.err.ptr + (err_bytes > 300 ? err_bytes - 300 : 0));
    CHECK_STR(output.out.ptr, "good\n");
    CHECK_EQ(output.status, 0);
    weft_process_output_free(&output);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.rc, 0);
    CHECK_EQ(ends.code, 4001);
    CHECK_STR(ends.reason, "well");
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(pythons_client_talks_to_our_server)
{
    check_client(WEFT_WS_PLAIN);
}

#if WF_HAS_ZLIB
TASK_TEST(pythons_client_talks_to_our_server_compressed)
{
    check_client(WEFT_WS_DEFLATE);
}

TASK_TEST(pythons_client_talks_to_our_server_compressed_with_what_came_before)
{
    check_client(WEFT_WS_DEFLATE_KEEPS);
}
#endif

/* ---- its server, our client ---- */

static void read_port(weft_process *process, char *url, size_t bytes)
{
    char line[16] = "";
    size_t count = 0;
    while (count < sizeof line - 1 && strchr(line, '\n') == NULL) {
        ssize_t got = weft_read(weft_process_get_fd(process, 1), line + count, 1);
        CHECK_EQ(got, 1);
        count++;
    }
    snprintf(url, bytes, "ws://127.0.0.1:%d/", atoi(line));
}

static void talk_to(weft_ws *ws)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, 131073, 900000};
    char *bytes = malloc(900000);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < 900000; i++) /* compressible, but no bomb */
        bytes[i] = (char)(i * i / 7 + i % 251);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        note("%zu bytes", sizes[i]);
        CHECK_OK(weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){bytes, sizes[i]}));
        expect_message(ws, WEFT_WS_BINARY, bytes, sizes[i]);
    }
    free(bytes);
    CHECK_OK(weft_ws_write_begin(ws, WEFT_WS_TEXT));
    CHECK_OK(weft_ws_write(ws, "in ", 3));
    CHECK_OK(weft_ws_write(ws, "pieces", 6));
    CHECK_OK(weft_ws_write_end(ws));
    expect_text(ws, "in pieces");
    CHECK_OK(weft_ws_send_text(ws, "bye"));
    weft_ws_message message;
    weft_str reason;
    CHECK_EQ(weft_ws_receive(ws, &message), 0);
    CHECK_EQ(weft_ws_get_close(ws, &reason), 4002);
    CHECK_BYTES(reason.ptr, reason.len, "as you wish", 11);
}

static void check_server(enum weft_ws_deflate deflate)
{
    static const char *const protocols[] = {"chat"};
    weft_process *process;
    weft_client *client;
    weft_ws *ws;
    char url[64];
    if (!has_python())
        return;
    const char *const argv[] = {PYTHON, "-c", server_script,
                                deflate == WEFT_WS_PLAIN ? "plain" : "deflate", NULL};
    const weft_process_options options = {
        .argv = argv, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE};
    CHECK_OK(weft_process_open(&process, &options));
    read_port(process, url, sizeof url);
    CHECK_OK(weft_client_new(&client, NULL));
    const weft_ws_options wanted = {
        .deflate = deflate, .protocols = protocols, .protocol_count = 1};
    CHECK_OK(weft_ws_connect(&ws, client, url, &wanted));
    CHECK_STR(weft_ws_get_protocol(ws), "chat");
    CHECK_EQ(weft_ws_is_deflated(ws), deflate != WEFT_WS_PLAIN);
    talk_to(ws);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    weft_client_free(client);
    weft_process_close_fd(process, 0);
    CHECK_EQ(weft_process_wait(process), 0);
    weft_process_close(process);
}

TASK_TEST(our_client_talks_to_pythons_server)
{
    check_server(WEFT_WS_PLAIN);
}

#if WF_HAS_ZLIB
TASK_TEST(our_client_talks_to_pythons_server_compressed)
{
    check_server(WEFT_WS_DEFLATE);
}

TASK_TEST(our_client_talks_to_pythons_server_compressed_with_what_came_before)
{
    check_server(WEFT_WS_DEFLATE_KEEPS);
}
#endif
