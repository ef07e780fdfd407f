import Glibc

/// Why a mount or an unmount failed: one line for the user, saying what to do where we know it.
package enum MountError: Error, Hashable, Sendable, CustomStringConvertible {
  case missing(String)
  case notDirectory(String)
  case notEmpty(String)
  case alreadyMounted(String, type: String)
  /// The daemon of an earlier mount is gone.
  case staleMount(String)
  case inaccessible(String, errno: Int32)
  case noFuseDevice
  case fuseDeviceRefused
  case fuseDeviceFailed(errno: Int32)
  case fusermountMissing
  case fusermountFailed(String)
  case allowOtherRefused
  case badOption(String)
  case mountFailed(String, errno: Int32)
  case libfuseFailed
  case notReady
  case notMounted(String)
  case busy(String, users: [String])
  case unmountFailed(String, errno: Int32)

  package var description: String {
    switch self {
    case .missing(let path): "'\(path)' does not exist: create the folder first (mkdir)"
    case .notDirectory(let path): "'\(path)' is not a folder"
    case .notEmpty(let path): "'\(path)' is not empty: what is in it would be hidden (-o nonempty mounts all the same)"
    case .alreadyMounted(let path, let type): "\(path) is a mount point already (\(type))"
    case .staleMount(let path):
      "\(path) is left over from a daemon that is gone: clean up with 'fusermount3 -u \(path)' "
        + "(as root: 'umount -l \(path)')"
    case .inaccessible(let path, let code): "\(path): \(Self.text(code))"
    case .noFuseDevice:
      "/dev/fuse is missing: load the module ('modprobe fuse'), or start the container with '--device /dev/fuse'"
    case .fuseDeviceRefused:
      "/dev/fuse may not be opened by this user: its mode must allow reading and writing ('chmod 666 /dev/fuse' as "
        + "root; distributions do it by a udev rule)"
    case .fuseDeviceFailed(let code): "/dev/fuse: \(Self.text(code))"
    case .fusermountMissing: "fusermount3 is not installed, and mounting without it needs root (package fuse3)"
    case .fusermountFailed(let text): text
    case .allowOtherRefused:
      "--allow-other needs root or the line 'user_allow_other' in /etc/fuse.conf"
    case .badOption(let option): "mount option '\(option)' is not known"
    case .mountFailed(let path, let code): "cannot mount at \(path): \(Self.text(code))"
    case .libfuseFailed: "libfuse refused to start a session"
    case .notReady: "the kernel did not start the session within 10 seconds"
    case .notMounted(let path): "'\(path)' is not a mount point"
    case .busy(let path, let users):
      users.isEmpty
        ? "\(path) is in use ('fuser -vm \(path)' may tell by whom; --lazy detaches it all the same)"
        : "\(path) is in use by \(users.joined(separator: ", ")) (--lazy detaches it all the same)"
    case .unmountFailed(let path, let code): "cannot unmount \(path): \(Self.text(code))"
    }
  }

  private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
