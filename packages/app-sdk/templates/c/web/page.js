const answer = await fetch('api/visits')
document.querySelector('#visits').textContent = (await answer.json()).visits
