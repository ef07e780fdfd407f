import Glibc

/// A FUSE mount made by mount(2) or, without the right to do so, by fusermount3; and how to undo it.
///
/// libfuse's own mounting prints to stderr and returns -1; done here, each failure has its message.
package struct KernelMount: Sendable {
  package let mountPoint: MountPoint
  /// The connection: /dev/fuse, opened. Belongs to the session.
  let device: Int32

  package static func make(at mountPoint: MountPoint, options: MountOptions) throws(MountError) -> KernelMount {
    if options.allowsOthers || options.allowsRoot, geteuid() != 0, !userMayAllowOthers() { throw .allowOtherRefused }
    let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
    guard device >= 0 else { throw deviceError(errno) }
    let data = options.kernelData(device: device, user: geteuid(), group: getegid())
    if mount(options.source, mountPoint.path, MountOptions.type, options.flags, data) == 0 {
      return KernelMount(mountPoint: mountPoint, device: device)
    }
    let code = errno
    close(device)
    guard code == EPERM else { throw .mountFailed(mountPoint.path, errno: code) }
    return KernelMount(mountPoint: mountPoint, device: try Fusermount.mount(at: mountPoint.path, options: options))
  }

  private static func deviceError(_ code: Int32) -> MountError {
    switch code {
    case ENOENT, ENODEV, ENXIO: .noFuseDevice
    case EACCES, EPERM: .fuseDeviceRefused
    default: .fuseDeviceFailed(errno: code)
    }
  }

  /// Whether /etc/fuse.conf lets ordinary users give others access to their mounts.
  private static func userMayAllowOthers() -> Bool {
    let text = String(decoding: contents(ofFile: "/etc/fuse.conf") ?? [], as: UTF8.self)
    return text.split(separator: "\n").contains { line in
      line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first == "user_allow_other"
    }
  }

  /// Ends the mount.
  /// - Parameter lazily: detaches it from the tree even while it is in use.
  package static func unmount(_ path: String, lazily: Bool) throws(MountError) {
    if umount2(path, Int32(UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0))) == 0 { return }
    switch errno {
    case EBUSY: throw .busy(path, users: MountUsers.find(below: path))
    case EINVAL, ENOENT: throw .notMounted(path)
    case EPERM: try Fusermount.unmount(path, lazily: lazily)
    case let code: throw .unmountFailed(path, errno: code)
    }
  }

  /// Lets the kernel read 1 MiB ahead: READ requests are no larger than that window, and FUSE's own limit is 128 KiB.
  /// Needs root; without it reading stays as it is.
  package func raiseReadAhead(kibibytes: Int = 1024) -> Bool {
    guard let entry = MountTable.entry(at: mountPoint.path) else { return false }
    let file = open("/sys/class/bdi/\(entry.device)/read_ahead_kb", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    let text = String(kibibytes)
    return write(file, text, text.utf8.count) == text.utf8.count
  }
}
