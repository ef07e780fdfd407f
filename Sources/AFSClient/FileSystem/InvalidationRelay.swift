import AFSTypes
import Synchronization

/// Passes invalidations on to the front end's sink, under all keys by which the kernel knows a vnode.
package final class InvalidationRelay: Sendable {
  private let sink = Mutex<(any InvalidationSink)?>(nil)

  package init() {}

  package func setSink(_ sink: any InvalidationSink) {
    self.sink.withLock { $0 = sink }
  }

  /// What a vnode is known of may have changed altogether.
  /// - Parameter dataToo: a file's data, too; otherwise only who may see it.
  package func vnodeChanged(_ vnode: Vnode, dataToo: Bool = true) {
    guard let sink = sink.withLock({ $0 }) else { return }
    let (kind, mountPoints) = vnode.withState { ($0.status?.kind, $0.mountPoints) }
    for key in [vnode.key] + mountPoints {
      switch kind {
      case .directory:
        sink.invalidate(.names(ofDirectory: key))
        sink.invalidate(.attributes(key))
      case .file, .symbolicLink: sink.invalidate(dataToo ? .contents(key) : .attributes(key))
      case nil: sink.invalidate(.attributes(key))
      }
    }
  }

  package func invalidate(_ invalidation: Invalidation) {
    sink.withLock { $0 }?.invalidate(invalidation)
  }

  package func settle(within limit: Duration) async {
    await sink.withLock { $0 }?.settle(within: limit)
  }
}
