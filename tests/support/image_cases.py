"""Layers that unpackers stumble over, each case a function that returns the layers of one image, bottom first."""

import io
import os
import tarfile

from image_layers import NEW, entry, hard_link, symlink, tar, tar_by

CAPABILITY = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"  # cap_net_bind_service
ONE = {"mode": 0o4711, "uid": 3}
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def tree(directory):
    """One of everything that the tools can write, as root."""
    (directory / "bin").mkdir()
    (directory / "bin/setuid").write_text("s")
    os.chown(directory / "bin/setuid", 70000, 3000000)
    (directory / "bin/setuid").chmod(0o6755)
    (directory / "bin/capable").write_text("c")
    os.setxattr(directory / "bin/capable", "security.capability", CAPABILITY.encode())
    os.setxattr(directory / "bin/capable", "user.note", b"a\nb\0c")
    os.link(directory / "bin/setuid", directory / "bin/alias")
    (directory / "bin/link").symlink_to("../../../etc/passwd")
    os.link(directory / "bin/link", directory / "bin/link2", follow_symlinks=False)
    (directory / "tmp").mkdir()
    (directory / "tmp").chmod(0o1777)
    (directory / "dev").mkdir()
    os.mknod(directory / "dev/null", 0o20666, os.makedev(1, 3))
    os.mknod(directory / "dev/loop", 0o60640, os.makedev(7, 300))
    os.mkfifo(directory / "dev/fifo")
    deep = directory / ("d" * 120) / ("e" * 120) / ("f" * 120)
    deep.mkdir(parents=True)
    (deep / ("n" * 255)).write_text("deep")
    (directory / "long").symlink_to("t" * 300)
    (directory / b"raw\xe9\xff".decode(errors="surrogateescape")).write_text("bytes")
    (directory / "Case").write_text("upper")
    (directory / "case").write_text("lower")
    for name, when in (("old", -5.25), ("future", 7_000_000_000.5), ("fine", 1_600_000_000.123456789)):
        (directory / name).write_text(name)
        os.utime(directory / name, (NEW, when), follow_symlinks=False)
    os.utime(directory / "dev", (NEW, 12345))
    os.utime(directory / "bin/link", (NEW, 99), follow_symlinks=False)
    directory.chmod(0o750)
    os.chown(directory, 5, 6)
    with open(directory / "sparse", "wb") as sparse:
        sparse.seek(1 << 20)
        sparse.write(b"middle" * 1000)
        sparse.truncate(4 << 20)
    return directory


def made_by(program, *arguments):
    def layers(work):
        return [tar_by(program, tree(work), *arguments)]
    return layers


XATTRS = ("--xattrs", "--xattrs-include=*", "--numeric-owner")
CASES["gnu_tar_pax"] = made_by("tar", "--format=pax", *XATTRS)
CASES["gnu_tar_gnu"] = made_by("tar", "--format=gnu", "--numeric-owner")
CASES["gnu_tar_sparse_old"] = made_by("tar", "--format=gnu", "--sparse")
CASES["gnu_tar_sparse_0_0"] = made_by("tar", "--format=pax", "--sparse", "--sparse-version=0.0")
CASES["gnu_tar_sparse_0_1"] = made_by("tar", "--format=pax", "--sparse", "--sparse-version=0.1")
CASES["gnu_tar_sparse_1_0"] = made_by("tar", "--format=pax", "--sparse", "--sparse-version=1.0")
CASES["bsdtar_pax"] = made_by("bsdtar", "--format=pax", "--xattrs", "--numeric-owner")
CASES["bsdtar_gnutar"] = made_by("bsdtar", "--format=gnutar", "--numeric-owner", "--exclude", "./d*d")


def lower():
    return tar("etc/", entry("etc/gone", b"low"), entry("etc/kept", b"low"), "usr/", "usr/lib/",
               entry("usr/lib/libc", b"C", mode=0o4755, uid=9), symlink("lib", "usr/lib"), "o/",
               entry("o/low", b"low"), "o/sub/", entry("o/sub/low", b"low"), entry("d/", uid=7, mode=0o700),
               entry("d/x", b"low"), "s/", entry("s/f", b"low"), hard_link("s/g", "s/f"))


@case
def whiteouts(work):
    return [lower(), tar("etc/", "etc/.wh.gone", ".wh.s", "o/", "o/sub/", "o/sub/.wh.low")]


@case
def whiteout_before_its_sibling(work):
    return [lower(), tar("etc/", "etc/.wh.kept", entry("etc/kept", b"new"), ".wh.d", "d/", entry("d/new", b"new"))]


@case
def whiteout_after_its_sibling(work):
    return [lower(), tar("etc/", entry("etc/kept", b"new"), "etc/.wh.kept", "d/", entry("d/new", b"new"), ".wh.d")]


@case
def whiteout_of_nothing(work):
    return [lower(), tar("etc/", "etc/.wh.never", "fresh/", "fresh/.wh.never")]


@case
def whiteout_in_no_directory(work):
    return [lower(), tar("etc/", "nowhere/.wh.never")]


@case
def whiteout_through_a_symlink(work):
    return [lower(), tar("lib/.wh.libc")]


@case
def whiteout_and_a_child_without_parent(work):
    return [lower(), tar(".wh.d", entry("d/new", b"new"))]


@case
def whiteout_of_a_hard_links_target(work):
    return [lower(), tar("etc/", hard_link("etc/copy", "etc/kept"), "etc/.wh.kept")]


@case
def opaque_first(work):
    return [lower(), tar("o/", "o/.wh..wh..opq", entry("o/new", b"new"), "o/sub/", entry("o/sub/new", b"new"))]


@case
def opaque_last(work):
    return [lower(), tar("o/", entry("o/new", b"new"), "o/sub/", entry("o/sub/new", b"new"), "o/.wh..wh..opq")]


@case
def opaque_with_whiteouts(work):
    return [lower(), tar("o/", "o/.wh..wh..opq", "o/.wh.low", "o/sub/", "o/sub/.wh.low", entry("o/new", b"new"))]


@case
def opaque_and_a_parent_without_entry(work):
    return [tar("o/", entry("o/sub/", mode=0o700, uid=3), entry("o/sub/low", b"low")),
            tar("o/", "o/.wh..wh..opq", entry("o/sub/new", b"new"))]


@case
def opaque_and_a_link_to_what_it_hides(work):
    return [lower(), tar("o/", hard_link("copy", "o/low"), "o/.wh..wh..opq")]


@case
def opaque_root(work):
    return [lower(), tar("./", "./.wh..wh..opq", entry("./new", b"new"), "./d/", entry("./d/new", b"new"))]


@case
def opaque_and_a_link_from_elsewhere_later(work):
    """What an opaque directory of a layer between hides, two levels down, is not there to be linked to."""
    return [lower(), tar("o/", "o/.wh..wh..opq", "o/sub/"), tar(hard_link("x", "o/sub/low"))]


@case
def whiteout_of_a_directory_and_of_what_is_in_it(work):
    return [lower(), tar(".wh.o", "o/.wh.low", "o/sub/.wh.low")]


@case
def opaque_beneath_and_more_above(work):
    return [lower(), tar("o/", "o/.wh..wh..opq", "o/sub/"), tar("o/", "o/sub/", entry("o/sub/top", b"top"))]


@case
def reserved_names(work):
    return [lower(), tar(".wh..wh.aufs", ".wh..wh.orph/", ".wh..wh.plnk/", entry(".wh..wh.plnk/1.2", b"linked"),
                         hard_link("etc/linked", ".wh..wh.plnk/1.2"), entry(".wh..wh.orph/x", b"x"))]


@case
def hard_links(work):
    return [lower(), tar("a/", entry("a/1", b"one", **ONE), hard_link("a/2", "a/1", **ONE),
                         hard_link("3", "/a/1", **ONE), symlink("a/s", "1"), hard_link("a/s2", "a/s"),
                         hard_link("a/4", "./a//../a/2", **ONE))]


@case
def hard_link_of_other_looks(work):
    return [tar(entry("a", b"one", mode=0o600, uid=3), hard_link("b", "a", mode=0o644, uid=4))]


@case
def hard_link_to_a_lower_file(work):
    return [lower(), tar(hard_link("usr/lib/libd", "usr/lib/libc"), hard_link("m", "etc/kept"))]


@case
def hard_link_through_a_symlink(work):
    return [lower(), tar(hard_link("lib/libd", "lib/libc"))]


@case
def hard_link_to_a_lower_symlink(work):
    return [lower(), tar(hard_link("lib2", "lib"))]


@case
def hard_link_to_nothing(work):
    return [lower(), tar(hard_link("x", "nothing"))]


@case
def hard_link_to_outside(work):
    return [lower(), tar(hard_link("x", "../../../../../../etc/passwd"))]


@case
def hard_link_to_itself(work):
    return [lower(), tar(hard_link("x", "x"))]


@case
def hard_link_to_a_directory(work):
    return [lower(), tar(hard_link("x", "etc"))]


@case
def names_with_dots(work):
    return [lower(), tar(entry("../../up", b"1"), entry("/absolute", b"2"), entry("././/a//b/../c", b"3"))]


@case
def symlinks_out_of_the_root(work):
    return [tar(symlink("out", "/"), symlink("up", "../../.."), symlink("there", "/etc")),
            tar("etc/", entry("out/in", b"3"), entry("up/in2", b"4"), entry("there/in3", b"5"))]


@case
def parent_is_a_symlink(work):
    return [lower(), tar(entry("lib/new", b"new"), "real/", symlink("alias", "real"), entry("alias/x", b"x"))]


@case
def parent_is_a_symlink_with_dots(work):
    return [tar("a/", "a/b/", "a/b/c/", symlink("short", "a/b/c"), symlink("dots", "short/../side")),
            tar(entry("dots/x", b"x"))]


@case
def parent_is_a_dangling_symlink(work):
    return [tar(symlink("dangling", "not/there")), tar(entry("dangling/x", b"x"))]


@case
def parent_without_an_entry(work):
    return [lower(), tar(entry("d/new", b"new"), entry("brand/new/file", b"new"))]


@case
def file_over_directory(work):
    return [lower(), tar(entry("o", b"file"), "n/", entry("n/x", b"x"), entry("n", b"file"))]


@case
def directory_over_file(work):
    return [lower(), tar("etc/", "etc/kept/", entry("etc/kept/x", b"x"), entry("n", b"file"), "n/", entry("n/x", b"x"))]


@case
def directory_over_symlink(work):
    return [lower(), tar("lib/", entry("lib/x", b"x"), "t/", symlink("n", "t"), "n/", entry("n/x", b"x"))]


@case
def file_over_symlink(work):
    return [lower(), tar(entry("lib", b"file"), symlink("n", "etc"), entry("n", b"file"))]


@case
def directory_again_as_file_and_directory(work):
    return [lower(), tar(entry("o", b"file"), "o/", entry("o/new", b"new"))]


@case
def directory_over_directory(work):
    return [lower(), tar(entry("d/", mode=0o1711, uid=8, mtime=77), entry("n/", mode=0o700), entry("n/x", b"x"),
                         entry("n/", mode=0o755, uid=1, mtime=55))]


@case
def duplicates(work):
    return [tar(entry("f", b"1"), hard_link("g", "f"), entry("f", b"22"), symlink("s", "1"), symlink("s", "2"),
                hard_link("s", "f"))]


@case
def types_change_between_layers(work):
    return [lower(), tar(entry("etc", b"file"), "usr/", "usr/lib/", symlink("usr/lib/libc", "x"), "lib/",
                         entry("s/", mode=0o700)), tar("etc/", entry("etc/back", b"back"))]


@case
def root_entry(work):
    return [tar(entry("./", mode=0o1777, uid=4, gid=5, mtime=1234), entry("./x")), tar(entry("y"))]


@case
def root_entry_in_the_middle(work):
    return [tar(entry("x")), tar(entry("y"), entry("./", mode=0o700, uid=4, mtime=1234), entry("z"))]


@case
def attributes(work):
    return [tar(entry("f", b"f", xattrs={"user.a": "b", "security.capability": CAPABILITY}),
                entry("d/", xattrs={"user.d": "e"})), tar(entry("d/x", b"x"))]


@case
def posix_acl(work):
    acl = "\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x06\0\x09\0\0\0\x04\0\x04\0\xff\xff\xff\xff\x10\0\x06\0\xff\xff\xff\xff\x20\0\x04\0\xff\xff\xff\xff"
    return [raw_pax("f", {b"SCHILY.xattr.system.posix_acl_access": acl.encode("latin-1")}, 0o664)]


@case
def attributes_of_others(work):
    return [tar(entry("f", b"f", xattrs={"security.selinux": "system_u:object_r:etc_t:s0", "trusted.other": "x",
                                         "system.nonsense": "x"}))]


@case
def attributes_of_overlay(work):
    return [lower(), tar(entry("o/", xattrs={"trusted.overlay.opaque": "y"}), entry("o/new", b"new"))]


@case
def attributes_of_user_overlay(work):
    return [lower(), tar(entry("o/", xattrs={"user.overlay.opaque": "y"}), entry("o/new", b"new"))]


@case
def forged_whiteout(work):
    return [lower(), tar("etc/", entry("etc/kept", kind=tarfile.CHRTYPE, devmajor=0, devminor=0))]


@case
def devices(work):
    return [tar("dev/", entry("dev/null", kind=tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3),
                entry("dev/disk", kind=tarfile.BLKTYPE, mode=0o640, gid=6, devmajor=8, devminor=1),
                entry("dev/fifo", kind=tarfile.FIFOTYPE, mode=0o622))]


@case
def other_types(work):
    return [tar(entry("contiguous", b"7", kind=tarfile.CONTTYPE), entry("old", b"0", kind=tarfile.AREGTYPE))]


@case
def pax_global_header(work):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT,
                      pax_headers={"comment": "0" * 40, "mtime": "5", "uname": "nobody"}) as archive:
        info, _ = entry("f")
        archive.addfile(info)
    return [stream.getvalue()]


@case
def owners_by_name(work):
    return [tar(entry("f", uname="nobody", gname="daemon", uid=11, gid=12))]


@case
def names_as_bytes(work):
    # In pax, with the raw bytes as Go and GNU tar write them.
    return [tar(entry("raw\udce9\udcff", b"1"), entry("e\u0301", b"2"), entry("\u00e9", b"3"), entry("Case"),
                entry("case"), entry("n" * 255), format=tarfile.GNU_FORMAT),
            raw_pax("p", {b"path": b"pax\xe9\xff"})]


@case
def name_too_long(work):
    return [tar(entry("n" * 256))]


@case
def path_beyond_path_max(work):
    deep = "/".join(["d" * 200] * 22)
    return [tar(*("/".join(["d" * 200] * n) + "/" for n in range(1, 23)), entry(deep + "/file", b"deep"))]


@case
def same_layer_twice(work):
    again = tar("o/", "o/.wh.low", entry("o/new", b"new"), entry("f", b"f"))
    return [lower(), again, tar("o/", entry("o/low", b"back")), again]


@case
def empty_layers(work):
    return [tar(), lower(), b"\0" * 1024, tar()]


@case
def many_layers(work):
    return [tar("d/", entry(f"d/{n}", b"%d" % n), *([f"d/.wh.{n - 1}"] if n % 3 == 0 else [])) for n in range(1, 9)]


@case
def hidden_then_shown_again(work):
    return [lower(), tar("etc/", "etc/.wh.kept", ".wh.d"), tar("etc/", entry("etc/kept", b"3"), "d/", entry("d/y"))]


@case
def name_with_a_whiteouts_prefix_as_parent(work):
    return [lower(), tar(entry(".wh.etc/x", b"x"))]


def raw_pax(name, records, mode=0o644):
    """What tarfile would escape: records as bytes."""
    body = b""
    for key, value in records.items():
        size = len(key) + len(value) + 3
        while size != len(key) + len(value) + 3 + len(str(size)):
            size = len(key) + len(value) + 3 + len(str(size))
        body += b"%d %s=%s\n" % (size, key, value)
    header = entry("PaxHeaders/x", body, kind=tarfile.XHDTYPE)[0].tobuf(tarfile.USTAR_FORMAT)
    body += b"\0" * (-len(body) % 512)
    return header + body + tar(entry(name, mode=mode), format=tarfile.USTAR_FORMAT)
