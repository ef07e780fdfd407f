import AFSCredentials
import AFSTypes

/// The file system of AFS: the cells of the world, or one volume, as ordinary files.
///
/// This type turns names and nodes into operations on vnodes; `ClientContext` does the talking. Methods named
/// `cached...` take short locks only.
public final class AFSFileSystem: FileSystem {
  package let context: ClientContext
  let rootNode: AFSNode
  let files: FileContentsContext

  /// - Parameter spawn: starts background work of open files: a task on the executor of the calls.
  package init(context: ClientContext, spawn: @escaping FileContentsContext.Spawner) {
    self.context = context
    files = FileContentsContext(
      cache: context.cache, transfers: ServerFileTransfers(context: context),
      observer: ContentsObserver(context: context), timer: context.timer, spawn: spawn)
    let mount = Mount(number: 0, parent: nil, point: DynamicRoot.rootKey)
    context.setStoring { [files, context] cell in
      files.spawn { await Self.storeWaiting(of: cell, context) }
    }
    rootNode = AFSNode(file: DynamicRoot.rootKey, mount: mount, role: Self.role(of: context.configuration, in: mount))
  }

  private static func role(of configuration: AFSClientConfiguration, in mount: Mount) -> AFSNode.Role {
    switch configuration.root {
    case .dynamic: return .dynamicRoot
    case .volume(let name):
      // Without a local cell the root can't be found: touching it says so.
      let cell = configuration.localCell
      return .madeUpMountPoint(MountTarget(cell: cell, volume: name, isReadWrite: false), mount)
    }
  }

  public var root: any Node { rootNode }

  /// Every node that a front end gives us came from us.
  func own(_ node: any Node) -> AFSNode {
    guard let node = node as? AFSNode else { preconditionFailure("a node of another file system") }
    return node
  }

  public func forget(_ node: any Node) {
    // Nodes are reference counted: nothing is kept per node.
  }

  public func setInvalidationSink(_ sink: any InvalidationSink) {
    context.invalidations.setSink(sink)
  }
}
