import AFSTypes
import Synchronization

/// One traversal of a mount point: a place in the name space where a volume begins.
///
/// The same volume reached through two mount points is two mounts, because a kernel directory has one parent only.
/// A mount lives as long as a node refers to it.
package final class Mount: Sendable {
  /// Part of every node key below; 0 is the mount's root.
  package let number: UInt32
  /// The mount that the mount point lies in; nil for the root.
  package let parent: Mount?
  /// The key of the mount point (a symbolic link's, or one of the dynamic root's); the kernel knows the volume's
  /// root directory by it.
  package let point: FileKey
  /// How many mount points were passed from the root to here.
  package let depth: Int
  private let state: Mutex<Target?>

  /// The volume behind the mount point.
  package struct Target: Sendable {
    package var root: Vnode

    package init(root: Vnode) {
      self.root = root
    }
  }

  package init(number: UInt32, parent: Mount?, point: FileKey) {
    self.number = number
    self.parent = parent
    self.point = point
    depth = (parent?.depth ?? -1) + 1
    state = Mutex(nil)
  }

  /// The volume, once somebody has touched what lies below the mount point.
  package var target: Target? {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
