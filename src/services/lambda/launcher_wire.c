/* Packets with descriptors. */
#include "services/lambda/launcher_wire.h"

#include <errno.h>
#include <sys/socket.h>

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * PACKET_MAX_FDS)];
};

bool packet_send(int socket, struct str head, struct str body, const int *fds, size_t fd_count)
{
    /* sendmsg only reads, but an iovec is not const. */
    union {
        const char *in;
        char *out;
    } head_ptr = {head.ptr}, body_ptr = {body.ptr};
    struct iovec parts[2] = {{head_ptr.out, head.len}, {body_ptr.out, body.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    union control control = {0};

    if (fd_count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

ssize_t packet_receive(int socket, void *buffer, size_t size, int fds[PACKET_MAX_FDS])
{
    struct iovec part = {buffer, size};
    union control control;
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };

    for (int i = 0; i < PACKET_MAX_FDS; i++)
        fds[i] = -1;
    ssize_t len;
    do {
        len = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return -1;

    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    return len;
}
