package import AFSBase
package import AFSTypes
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

  /// A server has forgotten all its promises to us: it was restarted, or had given us up.
  package func callbacksForgotten(by uuid: AFSUUID?, at peer: RxAddress) {
    var forgetful: [Fileserver] = []
    if let uuid, let server = servers.server(.uuid(uuid)) { forgetful = [server] }
    if forgetful.isEmpty { forgetful = servers.servers(at: peer) }
    // Somebody forgot something: better to ask everybody than to believe what is no longer promised.
    if forgetful.isEmpty { forgetful = servers.all }
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
