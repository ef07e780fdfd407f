package import AFSBase
import AFSRPC
package import AFSTypes
import Logging
package import RxCore

/// What a server's calls to us do to the tables. All of it is done before the first suspension, so that nothing that
/// is believed later was learned before the break.
extension ClientContext {
  /// A server breaks its promise for one file, or for a whole volume (vnode 0).
  ///
  /// The cell is not part of the call, and a server may call from an address which the VL server does not list: the
  /// file is looked for in all cells. A break too many costs one question.
  package func callbackBroken(_ fid: FID) {
    for cell in cells.all {
      guard let volume = cell.volume(fid.volume) else { continue }
      if fid.vnode == 0 {
        volumeBroken(volume)
      } else if let vnode = vnodes.vnode(for: FileKey(cell: cell.number, fid: fid)) {
        vnode.withState { $0.callbackBroken() }
        invalidations.vnodeChanged(vnode)
      } else {
        volume.unmatchedCallbackBroken()
      }
    }
  }

  private func volumeBroken(_ volume: Volume) {
    volume.callbackBroken()
    volume.unmatchedCallbackBroken()
    for vnode in vnodes.vnodes(where: { $0.volume === volume }) {
      vnode.withState { $0.callbackBroken() }
      invalidations.vnodeChanged(vnode)
    }
  }

  /// A server's answer says when its copy of the volume was made. Another date than before: the volume was released or
  /// restored, and nothing that is known of its files is believed any longer, broken promise or not. Data which has the
  /// same version afterwards stays, except in read-write volumes: restored from a dump, they count their versions anew.
  func noteVolumeDate(_ sync: AFSVolSync, of volume: Volume) {
    guard volume.noteCreationDate(sync.spare1) else { return }
    log.info("volume \(volume.name) of cell \(volume.cell.name) was released or restored")
    volumeBroken(volume)
    guard !volume.isReadOnly else { return }
    for vnode in vnodes.vnodes(where: { $0.volume === volume }) {
      let contents = vnode.withState { state in
        state.directory = nil
        return state.contents
      }
      contents?.distrust()
    }
  }

  /// Somebody says that he has forgotten all his promises to us: a server that was restarted, or had given us up.
  ///
  /// A server is known by its address; its UUID alone is no secret. Who calls from an address that no location server
  /// names can be a server with more addresses than those (then its UUID says which), or one from before UUIDs.
  /// - Returns: whether that was believed at once; otherwise it will be before long, or concerns nobody.
  @discardableResult
  package func callbacksForgotten(by uuid: AFSUUID?, at peer: RxAddress) -> Bool {
    let here = servers.servers(at: peer)
    let forgetful: [Fileserver]
    if !here.isEmpty {
      let named = here.filter { uuid == nil || $0.uuid == nil || $0.uuid == uuid }
      // An address that changed its owner: what the old one promised is not kept any more.
      forgetful = named.isEmpty ? here : named
    } else if let uuid, case let named = servers.servers(with: uuid), !named.isEmpty {
      forgetful = named
    } else {
      // Only servers which the location servers know without a UUID are left to be meant.
      forgetful = servers.all.filter { $0.uuid == nil }
    }
    let now = now
    let believed = forgetful.filter { $0.mayHaveForgotten(atItsAddress: !here.isEmpty, now: now) }
    forget(believed)
    return !forgetful.isEmpty && believed.count == forgetful.count
  }

  /// Acts upon what was put off.
  package func forgetWhatIsDue() {
    let now = now
    forget(servers.all.filter { $0.hasDueForgetting(now: now) })
  }

  private func forget(_ forgetful: [Fileserver]) {
    guard !forgetful.isEmpty else { return }
    for server in forgetful { server.forgotCallbacks() }
    let affected = Set(forgetful)
    let concerned = vnodes.vnodes { vnode in
      vnode.withState { state in state.promise.map { affected.contains($0.server) } ?? false }
    }
    for vnode in concerned {
      vnode.withState { $0.promiseGivenUp() }
      invalidations.vnodeChanged(vnode)
    }
  }
}
